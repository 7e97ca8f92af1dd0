"""Write random.json: the numbers that PyTorch makes of some seeds.

usage: python3 write_random.py > random.json     (needs torch 2.11)
"""
import json
import torch

cases = []
for seed in (0, 1, 20240229, 2**63 - 1):
    torch.manual_seed(seed)
    # 5 and 40: below and above the length from which libtorch works in vectors
    randn = torch.randn(5 if seed == 1 else 40)
    cases.append({"seed": seed, "randn": randn.tolist(), "rand": torch.rand(7).tolist(),
                  "randperm": torch.randperm(9).tolist()})
print(json.dumps(cases, indent=1))
