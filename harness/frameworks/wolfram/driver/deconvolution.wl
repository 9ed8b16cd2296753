(* DeconvolutionLayer as its documentation describes it, for engines that have none: Mathics3.

   https://reference.wolfram.com/language/ref/DeconvolutionLayer.html
   https://reference.wolfram.com/language/ref/NetPortGradient.html

   A layer is built once: DeconvolutionLayer[n, size, options] is checked and becomes
   DeconvolutionLayer[<|...|>], or $Failed with a message.  Applied to an input or to a list of
   inputs it gives the output; with NetPortGradient, a gradient.  Everything is Wolfram Language:
   this is the definition.  definition.py beside it serves what is too large for Mathics3. *)

(* Where the document is silent about "Same" and an odd total, the end loses one more; more than
   the whole kernel's stride leaves a gap at the end.  Renderers never write "Same" for these. *)
sameCrop[k_, s_, df_] := With[{total = df (k - 1) + 1 - s},
  If[total < 0, {0, total}, {Quotient[total, 2], total - Quotient[total, 2]}]];

(* Messages *)

DeconvolutionLayer::argument = "`1` is not a possible value of `2`.";
DeconvolutionLayer::option = "`1` is not an option of DeconvolutionLayer.";
DeconvolutionLayer::rank = "A kernel has 1 or 2 dimensions, not `1`.";
DeconvolutionLayer::groups = "The number `1` of `2` channels is not divisible by the number `3` of groups.";
DeconvolutionLayer::weights = "The weights have dimensions `1`; `2` are needed.";
DeconvolutionLayer::biases = "The biases have dimensions `1`; `2` are needed.";
DeconvolutionLayer::output = "The output would have the dimensions `1`, which are not all positive.";
DeconvolutionLayer::port = "The output has the dimensions `1`, not `2`.";
DeconvolutionLayer::uninitialized = "The layer has no `1` yet: see NetInitialize.";
DeconvolutionLayer::input = "Something of dimensions `1` is no input of dimensions `2`, and no list of such.";
DeconvolutionLayer::empty = "The documentation does not say what a layer makes of no inputs.";
DeconvolutionLayer::gradient = "Something of dimensions `1` is no gradient at an output of dimensions `2`.";

SetAttributes[fail, HoldFirst];
fail[message_, values___] := (Message[message, values]; Throw[$Failed, deconvolution]);
SetAttributes[checked, HoldFirst];
checked[body_] := Catch[body, deconvolution];

(* Construction *)

$defaults = <|"Biases" -> Automatic, "ChannelGroups" -> 1, "Dilation" -> 1, "Interleaving" -> False,
  "LearningRateMultipliers" -> Automatic, "PaddingSize" -> 0, "Stride" -> 1, "Weights" -> Automatic,
  "Input" -> Automatic, "Output" -> Automatic|>;

DeconvolutionLayer[options___Rule] := checked[built[Automatic, Automatic, {options}]];
DeconvolutionLayer[n_Integer, options___Rule] :=
  checked[fail[DeconvolutionLayer::argument, Automatic, "the kernel size"]];
DeconvolutionLayer[n_, size_, options___Rule] := checked[built[n, size, {options}]];

built[n_, size_, rules_] := Block[{given, weights, groups, kernel, rank, channels},
  given = Join[$defaults, Association @@ Map[ToString[First[#]] -> Last[#] &, rules]];
  Map[If[! MemberQ[Keys[$defaults], #], fail[DeconvolutionLayer::option, #]] &, Keys[given]];
  weights = If[given["Weights"] === Automatic, {}, Dimensions[given["Weights"]]];
  groups = given["ChannelGroups"];
  positive[groups, "\"ChannelGroups\""];
  channels = If[n === Automatic && weights =!= {}, weights[[2]] groups, n];
  positive[channels, "the number of output channels"];
  divisible[channels, "output", groups];
  kernel = kernelSize[size, If[weights === {}, {}, Drop[weights, 2]], given["Input"]];
  If[kernel === Automatic, Return[DeconvolutionLayer[<|"Arguments" -> {n, size, rules}|>]]];
  rank = Length[kernel];
  completed[Join[given, <|"Channels" -> channels, "Kernel" -> kernel,
    "Stride" -> perDimension[given["Stride"], rank, "\"Stride\""],
    "Dilation" -> perDimension[given["Dilation"], rank, "\"Dilation\""]|>]]];

(* One number means that size in every dimension, of which the input or the weights tell how many *)
kernelSize[sizes_List, _, _] := (
  If[! MemberQ[{1, 2}, Length[sizes]], fail[DeconvolutionLayer::rank, Length[sizes]]];
  Map[positive[#, "the kernel size"] &, sizes]);
kernelSize[Automatic, {}, _] := fail[DeconvolutionLayer::argument, Automatic, "the kernel size"];
kernelSize[Automatic, sizes_, input_] := kernelSize[sizes, {}, input];
kernelSize[size_, _, input_List] := kernelSize[ConstantArray[size, Length[input] - 1], {}, input];
kernelSize[size_, {}, input_ /; ! ListQ[input]] := (positive[size, "the kernel size"]; Automatic);
kernelSize[size_, sizes_, _] := kernelSize[ConstantArray[size, Length[sizes]], {}, Automatic];

positive[value_, name_] :=
  If[IntegerQ[value] && value > 0, value, fail[DeconvolutionLayer::argument, value, name]];
divisible[channels_, side_, groups_] :=
  If[Mod[channels, groups] != 0, fail[DeconvolutionLayer::groups, channels, side, groups]];
perDimension[values_List, rank_, name_] := If[Length[values] == rank,
  Map[positive[#, name] &, values], fail[DeconvolutionLayer::argument, values, name]];
perDimension[value_, rank_, name_] := ConstantArray[positive[value, name], rank];

(* The forms of PaddingSize, all as {{begin, end}, ...} *)
padding["Same", layer_] := MapThread[sameCrop, {layer["Kernel"], layer["Stride"], layer["Dilation"]}];
padding[value_List, layer_] := If[Length[value] == Length[layer["Kernel"]],
  Map[ends, value], fail[DeconvolutionLayer::argument, value, "PaddingSize"]];
padding[value_, layer_] := ConstantArray[ends[value], Length[layer["Kernel"]]];
ends[both_Integer] := ends[{both, both}];
ends[{begin_Integer, end_Integer}] /; begin >= 0 && end >= 0 := {begin, end};
ends[value_] := fail[DeconvolutionLayer::argument, value, "PaddingSize"];

(* Checks what needs the input's dimensions, as soon as they are known *)
completed[layer_] := Block[{pairs, input, channels, sizes, groups, output},
  pairs = padding[layer["PaddingSize"], layer];
  If[! MemberQ[{True, False}, layer["Interleaving"]],
    fail[DeconvolutionLayer::argument, layer["Interleaving"], "Interleaving"]];
  input = layer["Input"];
  If[! ListQ[input], Return[DeconvolutionLayer[Join[layer, <|"Crop" -> pairs|>]]]];
  If[Length[input] != Length[pairs] + 1, fail[DeconvolutionLayer::argument, input, "\"Input\""]];
  Map[positive[#, "\"Input\""] &, input];
  channels = If[layer["Interleaving"], Last[input], First[input]];
  sizes = If[layer["Interleaving"], Most[input], Rest[input]];
  groups = layer["ChannelGroups"];
  divisible[channels, "input", groups];
  dimensioned[layer["Weights"], Join[{channels, layer["Channels"]/groups}, layer["Kernel"]],
    DeconvolutionLayer::weights];
  If[layer["Biases"] =!= None,
    dimensioned[layer["Biases"], {layer["Channels"]}, DeconvolutionLayer::biases]];
  output = layer["Stride"] (sizes - 1) + layer["Dilation"] (layer["Kernel"] - 1) + 1 -
    Map[Total, pairs];
  If[Min[output] < 1, fail[DeconvolutionLayer::output, withChannels[layer, output]]];
  If[ListQ[layer["Output"]] && layer["Output"] =!= withChannels[layer, output],
    fail[DeconvolutionLayer::port, withChannels[layer, output], layer["Output"]]];
  DeconvolutionLayer[Join[layer, <|"Crop" -> pairs, "InputChannels" -> channels, "InputSize" -> sizes,
    "OutputSize" -> output, "Output" -> withChannels[layer, output]|>]]];

withChannels[layer_, sizes_] :=
  If[layer["Interleaving"], Append[sizes, layer["Channels"]], Prepend[sizes, layer["Channels"]]];
SetAttributes[dimensioned, HoldRest];
dimensioned[Automatic, _, _] := Null;
dimensioned[array_, dimensions_, message_] :=
  If[Dimensions[array] =!= dimensions, fail[message, Dimensions[array], dimensions]];

(* Parts of a layer *)

NetExtract[DeconvolutionLayer[layer_Association], name_String] := layer[name];
Unprotect[Information];
Information[layer_, "OutputPorts"] := Replace[layer,
  DeconvolutionLayer[built_Association] :> <|"Output" -> built["Output"]|>];
Protect[Information];
DeconvolutionLayer[layer_Association][name_String] := layer[name];

NetReplacePart[DeconvolutionLayer[layer_Association], rules_List] := checked[
  completed[Join[layer, Association @@ rules]]];

NetInitialize[DeconvolutionLayer[layer_Association]] := checked[Block[{weights},
  weights = Join[{layer["InputChannels"], layer["Channels"]/layer["ChannelGroups"]}, layer["Kernel"]];
  completed[Join[layer, <|
    "Weights" -> If[layer["Weights"] === Automatic, RandomReal[{-1, 1}, weights], layer["Weights"]],
    "Biases" -> If[layer["Biases"] === Automatic, ConstantArray[0., layer["Channels"]], layer["Biases"]]|>]]]];

(* Application *)

DeconvolutionLayer[layer_Association][data_Association, port_, options___Rule] :=
  checked[backward[fitted[layer, data["Input"]], data["Input"],
    data[NetPortGradient["Output"]], First[port], {options}]];
DeconvolutionLayer[layer_Association][data_Association, options___Rule] :=
  DeconvolutionLayer[layer][data["Input"], options];
DeconvolutionLayer[layer_Association][input_, options___Rule] :=
  checked[forward[fitted[layer, input], input, {options}]];

(* The layer with the input's dimensions, where nobody has said them before *)
fitted[layer_, input_] := Block[{dimensions = Dimensions[input], known, rank},
  If[ListQ[layer["Arguments"]], (* one number for the kernel's size: the input tells the rank *)
    Return[fitted[built[layer["Arguments"][[1]], layer["Arguments"][[2]],
      Append[layer["Arguments"][[3]], "Input" -> dimensions]][[1]], input]]];
  rank = Length[layer["Kernel"]];
  known = If[ListQ[layer["Input"]], layer,
    completed[Join[layer, <|"Input" -> Take[dimensions, -Min[rank + 1, Length[dimensions]]]|>]][[1]]];
  If[dimensions =!= known["Input"] && (dimensions === {} || Rest[dimensions] =!= known["Input"]),
    fail[DeconvolutionLayer::input, dimensions, known["Input"]]];
  If[First[dimensions] == 0, fail[DeconvolutionLayer::empty]];
  known];

parameter[layer_, name_] := If[layer[name] === Automatic,
  fail[DeconvolutionLayer::uninitialized, name], layer[name]];

forward[layer_, input_, options_] := Block[{w, b},
  w = parameter[layer, "Weights"];
  b = parameter[layer, "Biases"];
  summed[layer, "Output", {input, w, If[b === None, ConstantArray[0, layer["Channels"]], b]}, options]];

backward[layer_, input_, gradient_, name_, options_] := Block[{needed},
  needed = If[Length[Dimensions[input]] == Length[layer["Input"]], layer["Output"],
    Prepend[layer["Output"], First[Dimensions[input]]]];
  If[Dimensions[gradient] =!= needed,
    fail[DeconvolutionLayer::gradient, Dimensions[gradient], needed]];
  If[! MemberQ[{"Input", "Weights", "Biases"}, name] || layer[name] === None,
    fail[DeconvolutionLayer::argument, name, "NetPortGradient"]];
  summed[layer, name, {input, parameter[layer, "Weights"], gradient}, options]];

summed[layer_, name_, arrays_, options_] := Block[{batched, type, result},
  type = WorkingPrecision /. options /. WorkingPrecision -> "Real32";
  If[! MemberQ[{"Real32", "Real64"}, type], fail[DeconvolutionLayer::argument, type, "WorkingPrecision"]];
  batched = Length[Dimensions[First[arrays]]] > Length[layer["Input"]];
  result = sums[name, layer, Map[Normal, arrays], batched];
  If[Head[First[arrays]] === NumericArray, NumericArray[result, type], result]];

(* The sums, in Wolfram Language *)

(* Input position i meets kernel position t at output position q = s(i-1) + df(t-1) + 1 - begin *)
meetings[{size_, k_, s_, df_, {begin_, _}, out_}] := Select[
  Flatten[Table[{i, t, s (i - 1) + df (t - 1) + 1 - begin}, {i, size}, {t, k}], 1],
  1 <= #[[3]] <= out &];

(* For every position of one kind (1 input, 2 kernel, 3 output), in order, all that meets there *)
meetingsAt[layer_, kind_] := Block[{perDimension, counts},
  perDimension = Map[meetings, MapThread[List, {layer["InputSize"], layer["Kernel"], layer["Stride"],
    layer["Dilation"], layer["Crop"], layer["OutputSize"]}]];
  counts = {layer["InputSize"], layer["Kernel"], layer["OutputSize"]}[[kind]];
  Map[Tuples, Tuples[MapThread[
    Function[{all, n}, Table[Cases[all, ReplacePart[{_, _, _}, kind -> j]], {j, n}]],
    {perDimension, counts}]]]];

at[array_, position_, 1] := array[[All, Sequence @@ position]];
at[array_, position_, 2] := array[[All, All, Sequence @@ position]];
total[{}, zero_] := zero;
total[terms_, _] := Total[terms];
shaped[flat_, sizes_] := Fold[Partition, flat, Reverse[Rest[sizes]]];
block[array_, j_, groups_] :=
  With[{n = Length[array]/groups}, Take[array, {(j - 1) n + 1, j n}]];

sums["Output", layer_, {input_, w_, b_}, batched_] :=
  mapped[layer, batched, outputOf[layer, meetingsAt[layer, 3], #, w, b] &, input];
sums["Input", layer_, {input_, w_, dy_}, batched_] :=
  mapped[layer, batched, inputGradient[layer, meetingsAt[layer, 1], #, w] &, dy];
sums["Weights", layer_, {input_, w_, dy_}, batched_] := With[{all = meetingsAt[layer, 2]},
  Total[MapThread[weightGradient[layer, all, #1, #2] &,
    {examples[layer, batched, input], examples[layer, batched, dy]}]]];
sums["Biases", layer_, {input_, w_, dy_}, batched_] :=
  Total[Map[Map[Total[Flatten[#]] &, #] &, examples[layer, batched, dy]]];

examples[layer_, batched_, array_] := With[{list = If[batched, array, {array}]},
  If[layer["Interleaving"], Map[channelsFirst[#, Length[layer["Kernel"]]] &, list], list]];
mapped[layer_, batched_, function_, array_] := Block[{results},
  results = Map[function, examples[layer, batched, array]];
  If[layer["Interleaving"], results = Map[channelsLast, results]];
  If[batched, results, First[results]]];
channelsFirst[a_, rank_] :=
  Table[Map[#[[c]] &, a, {rank}], {c, Last[Dimensions[a]]}];
channelsLast[a_] := shaped[
  Table[Map[Flatten[#][[p]] &, a], {p, Times @@ Rest[Dimensions[a]]}], Rest[Dimensions[a]]];

outputOf[layer_, all_, x_, w_, b_] := Block[{groups = layer["ChannelGroups"], flat, n},
  n = layer["Channels"]/groups;
  Join @@ Table[With[{xs = block[x, j, groups], ws = block[w, j, groups], bs = block[b, j, groups]},
    flat = Map[total[Map[at[xs, #[[All, 1]], 1] . at[ws, #[[All, 2]], 2] &, #],
      ConstantArray[0, n]] + bs &, all];
    Table[shaped[flat[[All, o]], layer["OutputSize"]], {o, n}]], {j, groups}]];

inputGradient[layer_, all_, dy_, w_] := Block[{groups = layer["ChannelGroups"], flat, n},
  n = layer["InputChannels"]/groups;
  Join @@ Table[With[{ds = block[dy, j, groups], ws = block[w, j, groups]},
    flat = Map[total[Map[at[ws, #[[All, 2]], 2] . at[ds, #[[All, 3]], 1] &, #],
      ConstantArray[0, n]] &, all];
    Table[shaped[flat[[All, c]], layer["InputSize"]], {c, n}]], {j, groups}]];

weightGradient[layer_, all_, x_, dy_] := Block[{groups = layer["ChannelGroups"], flat, m, n},
  m = layer["InputChannels"]/groups;
  n = layer["Channels"]/groups;
  Join @@ Table[With[{xs = block[x, j, groups], ds = block[dy, j, groups]},
    flat = Map[total[Map[Outer[Times, at[xs, #[[All, 1]], 1], at[ds, #[[All, 3]], 1]] &, #],
      ConstantArray[0, {m, n}]] &, all];
    Table[shaped[flat[[All, c, o]], layer["Kernel"]], {c, m}, {o, n}]], {j, groups}]];
