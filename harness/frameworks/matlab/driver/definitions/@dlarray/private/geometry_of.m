function geometry = geometry_of(format, extent, weights, options)
% Check the arguments as they are documented; put all sizes together.
  rank = sum(format == 'S');
  extent = [extent, ones(1, rank + 2)];
  weights = [weights, ones(1, rank + 3)];
  geometry.in = extent(1:rank);
  geometry.batch = extent(rank + 2);
  geometry.kernel = positive('filterSize', weights(1:rank), rank);
  geometry.filters = weights(rank + 1);
  geometry.channels = weights(rank + 2);
  geometry.groups = weights(rank + 3);
  if any(weights(rank + 4:end) ~= 1)
    refuse('weights', 'weights have more than %d dimensions.', rank + 3);
  end
  if extent(rank + 1) ~= geometry.channels * geometry.groups
    refuse('channels', 'X has %d channels, but weights are for %d (%d in each of %d groups).', ...
           extent(rank + 1), geometry.channels * geometry.groups, geometry.channels, ...
           geometry.groups);
  end
  geometry.stride = positive('Stride', options.Stride, rank);
  geometry.dilation = positive('DilationFactor', options.DilationFactor, rank);
  reach = geometry.dilation .* (geometry.kernel - 1) + 1;
  geometry.crop = crop_of(options.Cropping, reach, geometry.stride);
  geometry.out = (geometry.in - 1) .* geometry.stride + reach - sum(geometry.crop, 1);
  if any(geometry.out < 1)
    refuse('size', 'the output would be %s: what that means is not documented.', ...
           strjoin(arrayfun(@num2str, geometry.out, 'UniformOutput', false), '-by-'));
  end
end

function values = positive(name, values, rank)
  if ~isnumeric(values) || ~any(numel(values) == [1, rank]) || any(values(:) < 1) ...
      || any(values(:) ~= fix(values(:)))
    refuse(name, '%s must be a positive integer or a vector of %d positive integers, not %s.', ...
           name, rank, shown(values));
  end
  values = reshape(double(values), 1, []) .* ones(1, rank);
end

function crop = crop_of(value, reach, stride)
% One row for the beginning and one for the end of each dimension.
  rank = numel(reach);
  if ischar(value) && strcmpi(value, 'same')
    % Output is inputSize .* Stride; an odd total leaves the larger part at the end.
    total = reach - stride;
    start = max(floor(total / 2), 0);
    crop = [start; total - start];
    return
  end
  known = isnumeric(value) && (numel(value) <= 1 || isequal(size(value), [2, rank]) ...
                               || (isvector(value) && numel(value) == rank));
  if ~known || isempty(value) || any(value(:) < 0) || any(value(:) ~= fix(value(:)))
    refuse('Cropping', ['Cropping must be ''same'' or nonnegative integers: one, one for each ' ...
                        'of %d dimensions, or a 2-by-%d matrix; not %s.'], rank, rank, ...
           shown(value));
  end
  if ~isequal(size(value), [2, rank])
    value = reshape(value, 1, []) .* ones(1, rank);
  end
  crop = double(value) .* ones(2, rank);
end
