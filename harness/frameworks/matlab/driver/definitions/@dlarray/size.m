function varargout = size(array, varargin)
  [varargout{1:max(nargout, 1)}] = size(array.data, varargin{:});
end
