function product = times(a, b)
% Element by element, of arrays of one size.
  a = dlarray(a);
  b = dlarray(b);
  if ~isequal(size(a.data), size(b.data))
    error('deconform:dlarray:times', 'these definitions multiply arrays of one size only.');
  end
  if ~isempty(a.format) && ~isempty(b.format) && ~strcmp(a.format, b.format)
    error('deconform:dlarray:times', 'formats ''%s'' and ''%s'' differ.', a.format, b.format);
  end
  [left, right] = deal(a.data, b.data);
  product = dlarray(left .* right, [a.format, b.format](1:max(numel(a.format), numel(b.format))));
  product.node = deconform_tape('node', [a.node, b.node], @(g) {g .* right, g .* left});
end
