"""What a client of Tracr sees: labels, parameters, encoders, and a class for None."""

import shoal
from shoal import rasp

before = rasp.Select(rasp.indices, rasp.indices, lambda key, query: key == query - 1)
previous = rasp.Aggregate(before, rasp.tokens).named("previous")
model = shoal.compile_rasp_to_model(previous, {"a", "b"}, max_seq_len=4, compiler_bos="BOS")

print("labels ", model.residual_labels)
print("classes", model.output_encoder.encoding_map)
applied = model.apply(["BOS", "a", "b"])
print("decoded", applied.decoded)
assert applied.decoded == ["BOS", None, "a"]
