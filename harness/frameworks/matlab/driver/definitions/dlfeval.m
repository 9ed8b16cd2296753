function varargout = dlfeval(f, varargin)
% https://www.mathworks.com/help/deeplearning/ref/dlfeval.html
  deconform_tape('start');
  stop = onCleanup(@() deconform_tape('stop'));
  given = cellfun(@traced, varargin, 'UniformOutput', false);
  [varargout{1:max(nargout, 1)}] = f(given{:});
end

function x = traced(x)
  if isa(x, 'dlarray')
    x = deconform_traced(x);
  elseif isstruct(x) && isfield(x, 'Learnables')
    x.Learnables.Value = cellfun(@traced, x.Learnables.Value, 'UniformOutput', false);
  end
end
