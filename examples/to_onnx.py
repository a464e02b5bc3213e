"""Run a compiled model in onnxruntime. Needs pip install 'shoal[onnx]' onnxruntime."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnxruntime

import shoal
from shoal.rasp import Map, tokens

shout = Map(str.upper, tokens).named("shout")
model = shoal.compile(shout, vocab={"a", "b", "c"}, max_seq_len=6)

with TemporaryDirectory() as folder:
    path = Path(folder) / "shout.onnx"
    model.to_onnx(path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    ids = np.array([model.input_encoder.encode(["BOS", "a", "b", "c"])], dtype=np.int64)
    (logits,) = session.run(None, {"tokens": ids})
    names = json.loads(session.get_modelmeta().custom_metadata_map["values"])

values = [names[number] for number in logits[0, 1:].argmax(axis=-1)]
print("result", values)
assert values == ["A", "B", "C"]
