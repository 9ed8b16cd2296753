function display(array)
  if isempty(array.format)
    kind = '';
  else
    kind = [' (' array.format ')'];
  end
  printf('%s =\n\n  %s dlarray, %s%s\n\n', inputname(1), ...
         strjoin(arrayfun(@num2str, size(array.data), 'UniformOutput', false), 'x'), ...
         class(array.data), kind);
  disp(array.data);
end
