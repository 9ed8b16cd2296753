function layer = transposed_layer(rank, filterSize, numFilters, varargin)
% The properties of TransposedConvolution1DLayer, 2DLayer and 3DLayer.
  given = struct('Stride', 1, 'Cropping', 0, 'NumChannels', 'auto', ...
                 'WeightsInitializer', 'glorot', 'BiasInitializer', 'zeros', ...
                 'Weights', [], 'Bias', [], 'WeightLearnRateFactor', 1, ...
                 'BiasLearnRateFactor', 1, 'WeightL2Factor', 1, 'BiasL2Factor', 0, 'Name', '');
  names = fieldnames(given);
  for i = 1:2:numel(varargin)
    found = find(strcmpi(varargin{i}, names));
    if isempty(found) || i == numel(varargin)
      error('deconform:layer:options', ...
            'a transposed convolution layer has no option ''%s'' with a value; it has %s.', ...
            varargin{i}, strjoin(names', ', '));
    end
    given.(names{found}) = varargin{i + 1};
  end
  layer = given;
  layer.FilterSize = positive('filterSize', filterSize, rank);
  layer.NumFilters = positive('numFilters', numFilters, 1);
  layer.Stride = positive('Stride', given.Stride, rank);
  [layer.CroppingMode, layer.CroppingSize] = cropping(given.Cropping, rank);
  layer = rmfield(layer, 'Cropping');
  if ~strcmp(given.NumChannels, 'auto')
    layer.NumChannels = positive('NumChannels', given.NumChannels, 1);
  end
  for name = {'WeightLearnRateFactor', 'BiasLearnRateFactor', 'WeightL2Factor', 'BiasL2Factor'}
    if ~isnumeric(given.(name{1})) || ~isscalar(given.(name{1})) || given.(name{1}) < 0
      error('deconform:layer:factor', '%s must be a nonnegative scalar.', name{1});
    end
  end
end

function values = positive(name, values, count)
  if ~isnumeric(values) || ~any(numel(values) == [1, count]) || any(values(:) < 1) ...
      || any(values(:) ~= fix(values(:)))
    error('deconform:layer:positive', '%s must be %d positive integers, or one.', name, count);
  end
  values = double(values(:)') .* ones(1, count);
end

function [mode, crop] = cropping(value, rank)
% CroppingSize is [l r], [t b l r], or [t l f; b r bk].
  mode = 'manual';
  if ischar(value) && strcmpi(value, 'same')
    mode = 'same';
    value = 0;
  end
  if ~isnumeric(value) || any(value(:) < 0) || any(value(:) ~= fix(value(:)))
    error('deconform:layer:Cropping', 'Cropping must be ''same'' or nonnegative integers.');
  end
  if isscalar(value)
    crop = value * ones(2, rank);
  elseif rank > 1 && numel(value) == rank
    crop = [value(:)'; value(:)'];
  elseif rank < 3 && numel(value) == 2 * rank
    crop = reshape(value, 2, rank);
  elseif isequal(size(value), [2, 3]) && rank == 3
    crop = value;
  else
    error('deconform:layer:Cropping', ...
          'Cropping of a %d-D layer cannot be %s.', rank, mat2str(value));
  end
  if rank < 3
    crop = reshape(crop, 1, []);
  end
end
