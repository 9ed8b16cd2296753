function P = patches(geometry)
% The matrix that gathers what the filters of the ordinary convolution see: each of its rows picks
% one element of the image, for one position of the filters and one element of theirs.  An element
% that is picked from beyond the image is padding, and its row is zero.
% The ordinary convolution is C = W P, with W the filters at every position; its transpose C' takes
% Y = C'X + B from the positions to the image.
  rank = numel(geometry.in);
  place = 0;
  inside = true;
  step = 1;
  for axis = 1:rank
    start = (0:geometry.in(axis) - 1)' * geometry.stride(axis) - geometry.crop(1, axis);
    seen = start + (0:geometry.kernel(axis) - 1) * geometry.dilation(axis);
    shape = ones(1, 2 * rank);
    shape([axis, rank + axis]) = size(seen);
    seen = reshape(seen, shape);
    inside = inside & seen >= 0 & seen < geometry.out(axis);
    place = place + seen * step;
    step = step * geometry.out(axis);
  end
  rows = find(inside);
  P = sparse(rows, place(rows) + 1, 1, numel(inside), prod(geometry.out));
end
