#!/usr/bin/env python3
"""Train the default model of Lathe: a small Llama on public-domain English prose.

    prepare_text.py WORK                     collect the text
    train.py WORK --minutes 105 --out FILE   tokenizer, training, export

Runs on a CPU with PyTorch 1.13 or later and sentencepiece.  The learning rate follows the clock, not
the step count: it has gone down its whole cosine when the given minutes are over, however busy the
machine was.  WORK/checkpoint.pt is rewritten every few minutes and --resume goes on from it; each
checkpoint is exported to WORK/checkpoint.gguf too.
"""

import argparse
import contextlib
import math
import pathlib
import time

import numpy as np
import sentencepiece
import torch
import torch.nn.functional as F
from torch import nn

import gguf_writer

# The shape.  Every matrix dimension is a multiple of 256 or, for the rows of K and V, of 128.
DIM, LAYERS, HEADS, KV_HEADS, HEAD_DIM, FFN = 256, 6, 8, 4, 32, 768
VOCAB, CONTEXT, ROPE_BASE, EPS = 1024, 512, 10000.0, 1e-5

# How often a training window comes from each source, before and after LONG_FROM.  Austen is what the
# model should write; the other texts keep five million parameters from learning six novels by heart.
SOURCES = ("austen", "treasury", "henry", "web", "kjv", "devil")
EARLY_MIX = (0.50, 0.22, 0.10, 0.09, 0.06, 0.03)
LATE_MIX = (0.75, 0.12, 0.05, 0.04, 0.02, 0.02)

TOKENIZER_TEXT = ("austen", "austen", "austen", "treasury", "devil")  # thrice: it counts most

PEAK_LR, FINAL_LR, WARMUP, WEIGHT_DECAY, CLIP = 3e-3, 3e-5, 0.01, 0.1, 1.0
TOKENS_PER_STEP = 4096
LONG_FROM = 0.6  # share of the time with half-length windows and EARLY_MIX


def train_tokenizer(work):
    """A byte-pair SentencePiece model whose tokens a merge-by-score tokenizer finds as well."""
    sentencepiece.SentencePieceTrainer.train(
        input=",".join(str(work / (s + ".txt")) for s in TOKENIZER_TEXT),
        model_prefix=str(work / "tokenizer"), model_type="bpe", vocab_size=VOCAB,
        byte_fallback=True, character_coverage=1.0, normalization_rule_name="identity",
        remove_extra_whitespaces=False, add_dummy_prefix=True, split_digits=True,
        max_sentence_length=1000000, num_threads=2, input_sentence_size=60000,
        shuffle_input_sentence=True, unk_id=0, bos_id=1, eos_id=2, pad_id=-1)


def load_tokens(work):
    """Token ids of every source, encoded once and kept beside the text."""
    tokenizer = sentencepiece.SentencePieceProcessor(str(work / "tokenizer.model"))
    tokens = {}
    for name in (*SOURCES, "heldout"):
        kept = work / (name + ".tokens.npy")
        if not kept.exists():
            text = (work / (name + ".txt")).read_text()
            np.save(kept, np.array(tokenizer.encode(text), dtype=np.int16))
        tokens[name] = torch.from_numpy(np.load(kept).astype(np.int64))
    return tokenizer, tokens


class RmsNorm(nn.Module):
    """x / rms(x) * weight (Zhang and Sennrich 2019)."""

    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        x = x.float()
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPS) * self.weight


def rotary_table(length):
    """cos and sin of position times frequency, each [length, HEAD_DIM / 2] (Su and others 2021)."""
    frequency = ROPE_BASE ** (-torch.arange(0, HEAD_DIM, 2) / HEAD_DIM)
    angle = torch.arange(length)[:, None] * frequency[None, :]
    return angle.cos(), angle.sin()


def rotate(x, cos, sin):
    """Turns the neighbouring pairs (2i, 2i + 1) of x[batch, head, position, HEAD_DIM]."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)


def attend(q, k, v):
    """Causal attention; PyTorch 1.13 has no fused form of it."""
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    length = q.shape[-2]
    scores = q @ k.transpose(-2, -1) * HEAD_DIM ** -0.5
    scores = scores + torch.full((length, length), float("-inf")).triu(1)
    return scores.softmax(-1) @ v


class Block(nn.Module):
    """One layer: grouped-query attention, then a SiLU-gated feed-forward network."""

    def __init__(self):
        super().__init__()
        self.attn_norm, self.ffn_norm = RmsNorm(DIM), RmsNorm(DIM)
        self.attn_q = nn.Linear(DIM, HEADS * HEAD_DIM, bias=False)
        self.attn_k = nn.Linear(DIM, KV_HEADS * HEAD_DIM, bias=False)
        self.attn_v = nn.Linear(DIM, KV_HEADS * HEAD_DIM, bias=False)
        self.attn_output = nn.Linear(HEADS * HEAD_DIM, DIM, bias=False)
        self.ffn_gate = nn.Linear(DIM, FFN, bias=False)
        self.ffn_up = nn.Linear(DIM, FFN, bias=False)
        self.ffn_down = nn.Linear(FFN, DIM, bias=False)

    def forward(self, x, cos, sin):
        batch, length, _ = x.shape

        def heads(y):
            return y.view(batch, length, -1, HEAD_DIM).transpose(1, 2)

        h = self.attn_norm(x)
        q = rotate(heads(self.attn_q(h)), cos, sin)
        k = rotate(heads(self.attn_k(h)), cos, sin).repeat_interleave(HEADS // KV_HEADS, 1)
        v = heads(self.attn_v(h)).repeat_interleave(HEADS // KV_HEADS, 1)
        y = attend(q, k.to(q.dtype), v.to(q.dtype)).transpose(1, 2).reshape(batch, length, -1)
        x = x + self.attn_output(y)
        h = self.ffn_norm(x)
        return x + self.ffn_down(F.silu(self.ffn_gate(h)) * self.ffn_up(h))


class Llama(nn.Module):
    """The network; parameter names are the tensor names of GGUF, but for the layer prefix."""

    def __init__(self):
        super().__init__()
        self.token_embd = nn.Embedding(VOCAB, DIM)
        self.blk = nn.ModuleList(Block() for _ in range(LAYERS))
        self.output_norm = RmsNorm(DIM)
        cos, sin = rotary_table(CONTEXT)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                last = name.endswith(("attn_output.weight", "ffn_down.weight"))
                nn.init.normal_(p, std=0.02 / math.sqrt(2 * LAYERS) if last else 0.02)

    def forward(self, ids):
        length = ids.shape[1]
        x = self.token_embd(ids)
        for block in self.blk:
            x = block(x, self.cos[:length], self.sin[:length])
        return F.linear(self.output_norm(x), self.token_embd.weight)


def batch_of(tokens, mix, length, generator, bos):
    """TOKENS_PER_STEP tokens in windows of the given length, each begun by the BOS token."""
    count = TOKENS_PER_STEP // length
    picks = torch.multinomial(torch.tensor(mix), count, True, generator=generator)
    rows = []
    for pick in picks.tolist():
        source = tokens[SOURCES[pick]]
        at = int(torch.randint(len(source) - length, (1,), generator=generator))
        rows.append(torch.cat((torch.tensor([bos]), source[at:at + length])))
    rows = torch.stack(rows)
    return rows[:, :-1], rows[:, 1:]


@torch.no_grad()
def bits_per_byte(model, ids, n_bytes, bos):
    """Cross entropy over a text cut to windows of CONTEXT, each begun by BOS, in bits per byte."""
    nats = 0.0
    for at in range(0, len(ids), CONTEXT):
        target = ids[at:at + CONTEXT]
        source = torch.cat((torch.tensor([bos]), target[:-1]))
        nats += float(F.cross_entropy(model(source[None])[0].float(), target, reduction="sum"))
    return nats / math.log(2) / n_bytes


def export(model, tokenizer, path):
    """Writes the weights to a GGUF file: matrices as F16, norms as F32."""
    tensors = {}
    for name, p in model.state_dict().items():
        array = p.detach().float().numpy()
        tensors[name] = array.astype(np.float16 if array.ndim == 2 else np.float32)
    shape = {"block_count": LAYERS, "context_length": CONTEXT, "embedding_length": DIM,
             "feed_forward_length": FFN, "head_count": HEADS, "head_count_kv": KV_HEADS,
             "rope_dimension": HEAD_DIM, "rope_base": ROPE_BASE, "rms_epsilon": EPS}
    gguf_writer.write_llama(path, shape, tokenizer, tensors)


def learning_rate(progress):
    """Linear warm-up, then a cosine from the peak to the final rate; progress is 0 to 1."""
    if progress < WARMUP:
        return PEAK_LR * (0.02 + 0.98 * progress / WARMUP)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1, (progress - WARMUP) / (1 - WARMUP))))
    return FINAL_LR + (PEAK_LR - FINAL_LR) * cosine


class Progress:
    """Where the run is: counted in time, so that a pause or a busy machine shortens nothing."""

    def __init__(self, minutes):
        self.minutes, self.step, self.seen, self.spent, self.loss = minutes, 0, 0, 0.0, None
        self.began = time.monotonic()

    def go_on_from(self, kept):
        self.step, self.seen, self.spent = kept["step"], kept["seen"], kept["spent"]
        self.began = time.monotonic() - self.spent

    def look_at_clock(self):
        """The share of the time that is over, 0 to 1."""
        self.spent = time.monotonic() - self.began
        return min(1.0, self.spent / (60 * self.minutes))

    def count(self, n_tokens, loss):
        self.step, self.seen = self.step + 1, self.seen + n_tokens
        self.loss = loss if self.loss is None else 0.98 * self.loss + 0.02 * loss


def save(work, model, optimizer, generator, progress):
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(),
                "generator": generator.get_state(), "step": progress.step, "spent": progress.spent,
                "seen": progress.seen}, work / "checkpoint.pt")


def report(work, model, tokens, bos, progress):
    """Measures the held-out text and writes a line of the loss curve."""
    n_bytes = (work / "heldout.txt").stat().st_size
    line = "%s step %d minutes %.1f tokens %d train %.4f heldout_bits_per_byte %.4f" % (
        time.strftime("%H:%M:%S"), progress.step, progress.spent / 60, progress.seen, progress.loss or 0,
        bits_per_byte(model, tokens["heldout"], n_bytes, bos))
    print(line, flush=True)
    with open(work / "train.log", "a") as log:
        print(line, file=log)


def train(args, work):
    tokenizer, tokens = load_tokens(work)
    generator = torch.Generator().manual_seed(args.seed)
    torch.manual_seed(args.seed)
    model = Llama()
    matrices = [p for p in model.parameters() if p.dim() == 2]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": vectors, "weight_decay": 0.0}],
        lr=PEAK_LR, betas=(0.9, 0.95), eps=1e-8)
    progress = Progress(args.minutes)
    if args.resume:
        kept = torch.load(work / "checkpoint.pt")
        model.load_state_dict(kept["model"])
        optimizer.load_state_dict(kept["optimizer"])
        generator.set_state(kept["generator"])
        progress.go_on_from(kept)
    print("%d parameters, %d threads, torch %s" %
          (sum(p.numel() for p in model.parameters()), torch.get_num_threads(), torch.__version__))
    forward = torch.compile(model) if args.compile else model
    cast = (lambda: torch.autocast("cpu", dtype=torch.bfloat16)) if args.bf16 else contextlib.nullcontext
    saved, done = progress.spent, False
    while not done:
        share = progress.look_at_clock()
        done = share >= 1 or (args.steps and progress.step >= args.steps)
        if done or progress.spent - saved > 60 * args.save_minutes:
            saved = progress.spent
            save(work, model, optimizer, generator, progress)
            export(model, tokenizer, work / "checkpoint.gguf")
            report(work, model, tokens, tokenizer.bos_id(), progress)
            continue
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(share)
        length, mix = (CONTEXT // 2, EARLY_MIX) if share < LONG_FROM else (CONTEXT, LATE_MIX)
        source, target = batch_of(tokens, mix, length, generator, tokenizer.bos_id())
        with cast():
            logits = forward(source)
        loss = F.cross_entropy(logits.float().view(-1, VOCAB), target.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        progress.count(target.numel(), loss.item())
        if progress.step % 50 == 0:
            print("step %d minutes %.1f loss %.4f" %
                  (progress.step, progress.spent / 60, progress.loss), flush=True)
    if args.out:
        export(model, tokenizer, args.out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--minutes", type=float, default=105)
    parser.add_argument("--steps", type=int, default=0, help="stop after so many steps")
    parser.add_argument("--save-minutes", type=float, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1813)
    parser.add_argument("--bf16", action="store_true", help="multiply in bfloat16")
    parser.add_argument("--compile", action="store_true", help="use torch.compile")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--out", type=pathlib.Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if not (args.work / "tokenizer.model").exists():
        train_tokenizer(args.work)
    train(args, args.work)


if __name__ == "__main__":
    main()
