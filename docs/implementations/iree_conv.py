"""IREE 3.13 as an ONNX back end: imported by torch-mlir, compiled by LLVM, run on the CPU."""

from importlib.metadata import version

from iree import runtime
from iree.compiler import compile_str
from iree.compiler.extras import onnx_importer
from iree.compiler.ir import Context

__version__ = version("iree-base-compiler")  # What reports say
OPTIONS = ["--iree-llvmcpu-target-cpu=host", "--iree-input-demote-f64-to-f32=false"]


class Prepared:
    """A compiled model."""

    def __init__(self, module):
        config = runtime.Config("local-sync")
        context = runtime.SystemContext(config=config)
        loaded = runtime.VmModule.copy_buffer(context.instance, module)
        context.add_vm_module(loaded)
        (name,) = (
            name for name in loaded.function_names if f"{name}$async" in loaded.function_names
        )
        self._function = context.modules.module[name]

    def run(self, inputs):
        return [self._function(*inputs).to_host()]


class Backend:
    """What ONNX asks of a back end."""

    @staticmethod
    def prepare(model, _device):
        text = imported(model)
        return Prepared(compile_str(text, target_backends=["llvm-cpu"], extra_args=OPTIONS))


def imported(model):
    """Return the model as MLIR."""
    info = onnx_importer.ModelInfo(model)
    module = info.create_module(context=Context()).operation
    onnx_importer.NodeImporter.define_function(info.main_graph, module).import_all()
    return str(module)
