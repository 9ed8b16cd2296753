function total = sum(a, way)
  if nargin < 2 || ~strcmp(way, 'all')
    error('deconform:dlarray:sum', 'these definitions have sum(X, ''all'') only.');
  end
  extent = size(a.data);
  total = dlarray(sum(a.data(:)));
  total.node = deconform_tape('node', a.node, @(g) {repmat(g, extent)});
end
