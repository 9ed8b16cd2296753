function y = transposed_convolution(x, weights, bias, geometry)
% Y = C'X + B with C = W P: each group's channels go through W', then all positions through P'.
  [positions, taps] = deal(prod(geometry.in), prod(geometry.kernel));
  [batch, filters, channels] = deal(geometry.batch, geometry.filters, geometry.channels);
  P = patches(geometry);
  x = reshape(x, positions, channels, geometry.groups, batch);
  weights = reshape(weights, taps, filters, channels, geometry.groups);
  y = zeros(prod(geometry.out), filters, geometry.groups, batch);
  for group = 1:geometry.groups
    rows = reshape(permute(x(:, :, group, :), [1, 4, 2, 3]), positions * batch, channels);
    W = reshape(permute(weights(:, :, :, group), [3, 1, 2]), channels, taps * filters);
    patch = permute(reshape(rows * W, positions, batch, taps, filters), [1, 3, 2, 4]);
    image = full(P' * reshape(patch, positions * taps, batch * filters));  % scalars would stay sparse
    y(:, :, group, :) = permute(reshape(image, [], batch, filters), [1, 3, 4, 2]);
  end
  y = reshape(y, [], filters * geometry.groups, batch) + reshape(bias, 1, []);
  y = reshape(y, [geometry.out, filters * geometry.groups, batch]);
end
