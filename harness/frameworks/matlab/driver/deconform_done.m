function deconform_done(number)
% Say on standard output that the answer to a request is complete.
  fprintf('deconform:done %d\n', number);
  if exist('OCTAVE_VERSION', 'builtin')
    fflush(stdout);
  end
end
