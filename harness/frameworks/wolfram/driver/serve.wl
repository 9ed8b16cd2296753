(* Evaluates the file that each line of standard input names; ends where the input does.  A program
   prints its own answer. *)
While[StringQ[deconformFile = InputString[""]], Get[deconformFile]]
