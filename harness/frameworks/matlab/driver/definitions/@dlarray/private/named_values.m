function values = named_values(given, known)
% Read name-value arguments; names in any case, the last of a name counts.
  values = struct(known{:});
  names = fieldnames(values);
  if mod(numel(given), 2)
    refuse('options', 'names and values must come in pairs.');
  end
  for i = 1:2:numel(given)
    found = find(strcmpi(given{i}, names));
    if isempty(found)
      refuse('options', '%s is none of: %s.', shown(given{i}), strjoin(names', ', '));
    end
    values.(names{found}) = given{i + 1};
  end
end
