function text = shown(value)
% Write a value as it stands in a text.
  if ischar(value)
    text = ['''' value ''''];
  elseif isnumeric(value) && ndims(value) == 2
    text = mat2str(value);
  else
    text = ['a ' class(value)];
  end
end
