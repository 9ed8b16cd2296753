function data = extractdata(array)
  data = array.data;
end
