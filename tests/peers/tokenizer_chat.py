#!/usr/bin/env python3
"""Lathe's chat prompts beside the models' own Jinja templates.

    python3 -m venv peers && peers/bin/pip install jinja2
    peers/bin/python tests/peers/tokenizer_chat.py BUILD/tests/runtime/tokenizer-tool TEMPLATE.jinja...

Each template goes into a GGUF file of its own; what Lathe writes for it must be what Jinja prints for
one user message (with and without a system message), the beginning-of-sequence token left out.
Prints one line per template; exits 1 when a template of a known family comes out differently.
"""
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

BOS, EOS = "<s>", "</s>"


def string(text):
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def write_gguf(path, template):
    entries = [string("tokenizer.chat_template") + struct.pack("<I", 8) + string(template),
               string("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 3) + string("<unk>") + string(BOS) + string(EOS),
               string("tokenizer.ggml.eos_token_id") + struct.pack("<II", 4, 2)]
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, len(entries)) + b"".join(entries))


def refuse(message):
    raise jinja2.TemplateError(message)


def render(template, user, system):
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols])
    environment.globals["raise_exception"] = refuse
    messages = [{"role": "system", "content": system}] if system else []
    messages.append({"role": "user", "content": user})
    text = environment.from_string(template).render(messages=messages, add_generation_prompt=True, bos_token=BOS, eos_token=EOS)
    return text.removeprefix(BOS)


def compare(tool, path, template, user, system):
    """"equal", "different" with both, or why there is nothing to compare."""
    ours = subprocess.run([tool, "--prompt", path, user, *([system] if system else [])], capture_output=True, text=True)
    if ours.returncode == 3:
        return "no known family", ""
    try:
        theirs = render(template, user, system)
    except Exception as error:  # templates use what they like
        return f"Jinja: {error}", ""
    if ours.stdout == theirs:
        return "equal", ""
    return "different", f"    Lathe {ours.stdout!r}\n    Jinja {theirs!r}\n"


def main():
    tool, bad = sys.argv[1], 0
    with tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[2:]:
            template = Path(name).read_text()
            path = Path(folder) / "template.gguf"
            write_gguf(path, template)
            for system in (None, "Answer in one word."):
                verdict, detail = compare(tool, path, template, "What is 2 + 2?", system)
                print(f"{Path(name).name} {'with' if system else 'without'} system: {verdict}\n{detail}", end="")
                bad += verdict == "different"
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
