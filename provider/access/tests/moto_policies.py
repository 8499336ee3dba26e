"""Answers requests by the policy engine of moto, the third-party AWS emulator (it offers no SimulateCustomPolicy): reads
[[policy, [[action, resource], ...]], ...] as JSON from standard input, writes [["PERMITTED" | "DENIED" | "NEUTRAL", ...], ...]."""

import json
import sys

from moto.iam.access_control import IAMPolicy

answers = []
for policy, requests in json.load(sys.stdin):
    engine = IAMPolicy(json.dumps(policy))
    answers.append([engine.is_action_permitted(action, resource).name for action, resource in requests])
json.dump(answers, sys.stdout)
