function [dx, dw, db] = convolution_gradients(dy, x, weights, geometry)
% From Y = C'X + B: the gradient by X is C itself, the ordinary convolution of dY; C is linear in
% the weights, and so their gradient sums, over positions, what they saw times X.
  [positions, taps] = deal(prod(geometry.in), prod(geometry.kernel));
  [batch, filters, channels] = deal(geometry.batch, geometry.filters, geometry.channels);
  P = patches(geometry);
  x = reshape(x, positions, channels, geometry.groups, batch);
  dy = reshape(dy, prod(geometry.out), filters, geometry.groups, batch);
  dx = zeros(size(x));
  extent = size(weights);
  weights = reshape(weights, taps, filters, channels, geometry.groups);
  dw = zeros(taps, filters, channels, geometry.groups);
  for group = 1:geometry.groups
    image = reshape(permute(dy(:, :, group, :), [1, 4, 2, 3]), [], batch * filters);
    patch = permute(reshape(full(P * image), positions, taps, batch, filters), [1, 3, 2, 4]);
    patch = reshape(patch, positions * batch, taps * filters);
    rows = reshape(permute(x(:, :, group, :), [1, 4, 2, 3]), positions * batch, channels);
    W = reshape(permute(weights(:, :, :, group), [3, 1, 2]), channels, taps * filters);
    dx(:, :, group, :) = permute(reshape(patch * W', positions, batch, channels), [1, 3, 4, 2]);
    dw(:, :, :, group) = permute(reshape(rows' * patch, channels, taps, filters), [2, 3, 1]);
  end
  dx = reshape(dx, [geometry.in, channels * geometry.groups, batch]);
  dw = reshape(dw, extent);
  db = reshape(sum(sum(dy, 1), 4), [], 1);
end
