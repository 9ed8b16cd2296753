function format = dims(array)
  format = array.format;
end
