function array = dlarray(data, format)
% Data with labelled dimensions: S spatial, C channel, B batch, T time, U unspecified.
% https://www.mathworks.com/help/deeplearning/ref/dlarray.html
  if nargin < 2
    format = '';
  end
  node = 0;
  if isa(data, 'dlarray')
    node = data.node;
    if isempty(format)
      format = data.format;
    end
    data = data.data;
  end
  if ~isfloat(data) && ~islogical(data)
    error('deconform:dlarray:class', ...
          'dlarray takes single, double and logical arrays; this one is %s.', class(data));
  end
  if ~isempty(format)
    [data, format, moved] = ordered(data, format);
    if moved && node
      error('deconform:dlarray:tape', 'these definitions do not reorder traced dimensions.');
    end
  end
  array = class(struct('data', data, 'format', format, 'node', node), 'dlarray');
end

function [data, format, moved] = ordered(data, format)
  known = zeros(1, 127);
  known('SCBTU') = 1:5;
  places = known(format);
  if any(places == 0) || sum(places == 2) > 1 || sum(places == 3) > 1 || sum(places == 4) > 1
    error('deconform:dlarray:format', ...
          'format ''%s'' must be made of S, C, B, T and U, with C, B and T at most once.', format);
  end
  if numel(format) < ndims(data) && ~(isvector(data) && numel(format) == 1)
    error('deconform:dlarray:format', 'format ''%s'' has %d labels for %d dimensions.', ...
          format, numel(format), ndims(data));
  end
  moved = any(diff(places) < 0);
  if moved
    [~, order] = sort(places);
    data = permute(data, order);
    format = format(order);
  end
end
