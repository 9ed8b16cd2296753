function y = dltranspconv(x, weights, bias, varargin)
% Transposed convolution.  Weights are filterSize-by-numFilters-by-numChannels or, in groups,
% filterSize-by-numFiltersPerGroup-by-numChannelsPerGroup-by-numGroups.
% https://www.mathworks.com/help/deeplearning/ref/dlarray.dltranspconv.html
  [x, weights, bias] = deal(dlarray(x), dlarray(weights), dlarray(bias));
  if ~isempty(weights.format) || ~isempty(bias.format)
    refuse('weights', 'these definitions take weights and bias without a format.');
  end
  options = named_values(varargin, {'Stride', 1, 'DilationFactor', 1, 'Cropping', 0, ...
                                    'DataFormat', x.format});
  [format, order] = order_of(options.DataFormat);
  data = double(permute(x.data, order));
  geometry = geometry_of(format, size(data), size(weights.data), options);
  filters = geometry.filters * geometry.groups;
  if ~any(numel(bias.data) == [1, filters])
    refuse('bias', 'bias has %d elements: it must have one, or one for each of the %d filters.', ...
           numel(bias.data), filters);
  end
  if isa(x.data, 'single') || isa(weights.data, 'single')
    kind = 'single';
  else
    kind = 'double';
  end
  value = transposed_convolution(data, double(weights.data), double(bias.data), geometry);
  y = dlarray(cast(ipermute(value, order), kind), x.format);
  like = {class(x.data), class(weights.data), class(bias.data)};
  y.node = deconform_tape( ...
    'node', [x.node, weights.node, bias.node], ...
    @(dy) gradients_of(permute(dy, order), data, weights.data, bias.data, geometry, order, like));
end

function [format, order] = order_of(format)
% The dimensions in the order S, C, B.
  if isempty(format)
    refuse('format', 'X has no format: give DataFormat, or make X a formatted dlarray.');
  end
  known = zeros(1, 127);
  known('SCB') = 1:3;
  [places, order] = sort(known(format));
  if any(places == 0) || ~any(sum(places == 1) == 1:3) || sum(places == 2) ~= 1 ...
      || sum(places == 3) > 1
    refuse('format', ['format ''%s'': these definitions take one to three S, one C and at most ' ...
                      'one B.'], format);
  end
  format = 'SCB'(places);
  order = [order, numel(order) + 1:2];
end

function gradients = gradients_of(dy, x, weights, bias, geometry, order, like)
  [dx, dw, db] = convolution_gradients(double(dy), x, double(weights), geometry);
  if isscalar(bias)
    db = sum(db);
  end
  gradients = {cast(ipermute(dx, order), like{1}), cast(dw, like{2}), ...
               cast(reshape(db, size(bias)), like{3})};
end
