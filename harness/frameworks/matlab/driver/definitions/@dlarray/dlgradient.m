function varargout = dlgradient(loss, varargin)
% https://www.mathworks.com/help/deeplearning/ref/dlarray.dlgradient.html
  if ~isscalar(loss.data) || ~loss.node
    error('deconform:dlgradient:untraced', ['Value to differentiate must be a traced dlarray ' ...
          'scalar: dlgradient works inside a function that dlfeval calls.']);
  end
  gradients = deconform_tape('gradients', loss.node, ones(1, class(loss.data)));
  varargout = cellfun(@(x) of(x, gradients), varargin, 'UniformOutput', false);
end

function gradient = of(x, gradients)
  if isstruct(x)  % MATLAB's table of learnable parameters
    gradient = x;
    gradient.Value = cellfun(@(value) of(value, gradients), x.Value, 'UniformOutput', false);
    return
  end
  if ~isa(x, 'dlarray') || ~x.node
    error('deconform:dlgradient:untraced', 'dlgradient differentiates by traced dlarrays only.');
  end
  found = gradients{x.node};
  if isempty(found)
    found = zeros(size(x.data), class(x.data));
  end
  gradient = dlarray(found, x.format);
end
