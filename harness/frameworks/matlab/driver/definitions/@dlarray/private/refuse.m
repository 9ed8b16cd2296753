function refuse(what, varargin)
% The documents say what is legal, not with which words the rest is refused: these are ours.
  error(['deconform:dltranspconv:' what], varargin{:});
end
