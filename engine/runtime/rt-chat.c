/* Chat templates: recognised by their marker tokens, written out for one question.
 *
 * Called before a chat model's prompt is encoded (with parse_special, and add_special for the
 * beginning of the sequence, which is therefore not written here). Templates in files are Jinja
 * programs; this is no interpreter of them but knows what those of the common families print for a
 * system text and one user text with add_generation_prompt. */
#include "rt-tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum
{
  FAMILY_NONE,
  FAMILY_CHATML,
  FAMILY_LLAMA2,
  FAMILY_LLAMA3,
  FAMILY_GEMMA,
  FAMILY_ZEPHYR,
  FAMILY_PHI3,
} Family;

static const char *const family_names[] = {
  [FAMILY_CHATML] = "chatml", [FAMILY_LLAMA2] = "llama2", [FAMILY_LLAMA3] = "llama3",
  [FAMILY_GEMMA] = "gemma",   [FAMILY_ZEPHYR] = "zephyr", [FAMILY_PHI3] = "phi3",
};

static const char *
find_in (RtSlice text, const char *part)
{
  return memmem (text.data, text.length, part, strlen (part));
}

static Family
recognise (RtSlice template)
{
  if (find_in (template, "<|im_start|>"))
    return FAMILY_CHATML;
  if (find_in (template, "<|start_header_id|>") && find_in (template, "<|eot_id|>"))
    return FAMILY_LLAMA3;
  if (find_in (template, "<start_of_turn>"))
    return FAMILY_GEMMA;
  /* Mistral's has [INST], too, but no place for a system text. */
  if (find_in (template, "[INST]") && find_in (template, "<<SYS>>"))
    return FAMILY_LLAMA2;
  if (find_in (template, "<|user|>") && find_in (template, "<|assistant|>"))
    {
      if (find_in (template, "<|end|>"))
        return FAMILY_PHI3;
      if (find_in (template, "eos_token") || find_in (template, "</s>"))
        return FAMILY_ZEPHYR;
    }
  return FAMILY_NONE;
}

static Family
family_of (const RtGguf *gguf, RtSlice *template)
{
  *template = (RtSlice){ "", 0 };
  rt_gguf_get_string (gguf, "tokenizer.chat_template", template);
  return recognise (*template);
}

const char *
rt_chat_family (const RtGguf *gguf)
{
  RtSlice template;

  return family_names[family_of (gguf, &template)];
}

/* ---- Texts ---- */

static RtSlice
slice_of (const char *text)
{
  return (RtSlice){ text, strlen (text) };
}

static bool
is_space (char c)
{
  return c == ' ' || (c >= '\t' && c <= '\r');
}

static RtSlice
trim (RtSlice s)
{
  while (s.length > 0 && is_space (s.data[0]))
    {
      s.data++;
      s.length--;
    }
  while (s.length > 0 && is_space (s.data[s.length - 1]))
    s.length--;
  return s;
}

/* The system text that a ChatML template writes when it is given none: a literal between the
 * markers, as in SmolLM2's and Qwen2's. Empty when there is none. */
static RtSlice
default_system (RtSlice template)
{
  static const char marker[] = "<|im_start|>system";
  const char *end = template.data + template.length;
  const char *at = find_in (template, marker);

  for (; at; at = memmem (at, (size_t)(end - at), marker, strlen (marker)))
    {
      at += strlen (marker);
      const char *from = at;
      if (from < end && *from == '\n')
        from++;
      else if (end - from >= 2 && from[0] == '\\' && from[1] == 'n')
        from += 2;
      else
        continue;
      const char *to = memmem (from, (size_t)(end - from), "<|im_end|>", 10);
      if (!to)
        break;
      RtSlice literal = { from, (uint64_t)(to - from) };
      /* Quotes, braces and escapes mean that it is a piece of program. */
      bool is_text = literal.length > 0;
      for (uint64_t i = 0; i < literal.length; i++)
        if (strchr ("'\"{}\\", literal.data[i]))
          is_text = false;
      if (is_text)
        return literal;
    }
  return (RtSlice){ "", 0 };
}

/* Llama 3.1 and later always write a system turn that starts with two dates. Today's is the fixed
 * one that their templates fall back to: a prompt must not differ from day to day. */
static RtSlice
dates (RtSlice template)
{
  bool stated = find_in (template, "Cutting Knowledge Date: December 2023")
                && find_in (template, "Today Date: ") && find_in (template, "26 Jul 2024");

  return slice_of (stated ? "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"
                          : "");
}

/* The name of the end-of-sequence token, which Zephyr's template puts after every turn. */
static RtSlice
end_token (const RtGguf *gguf)
{
  const RtGgufMeta *tokens = rt_gguf_get_array (gguf, "tokenizer.ggml.tokens", RT_GGUF_STRING);
  uint64_t id, cursor = 0;
  RtSlice name;

  if (tokens && rt_gguf_get_u64 (gguf, "tokenizer.ggml.eos_token_id", &id))
    for (uint64_t i = 0; rt_gguf_next_string (tokens, &cursor, &name); i++)
      if (i == id)
        return name;
  return slice_of ("</s>");
}

/* ---- Writing ---- */

/* Join up to @n slices; the result is malloc'ed. */
static bool
join (const RtSlice *parts, size_t n, char **text, RtError *error)
{
  size_t n_bytes = 1;

  for (size_t i = 0; i < n; i++)
    n_bytes += parts[i].length;
  char *out = malloc (n_bytes);
  if (!out)
    return rt_fail (error, RT_ERROR_MEMORY, "no memory for a prompt of %zu bytes", n_bytes);
  *text = out;
  for (size_t i = 0; i < n; i++)
    {
      if (parts[i].length)
        memcpy (out, parts[i].data, parts[i].length);
      out += parts[i].length;
    }
  *out = '\0';
  return true;
}

/* What stands around the texts of a family. */
typedef struct
{
  const char *before_system, *after_system; /* left out with the system text */
  const char *before_user, *after_user;
  const char *before_all; /* in front of everything */
  bool trims_system, trims_user;
} Frame;

static const Frame frames[] = {
  [FAMILY_CHATML] = { "<|im_start|>system\n", "<|im_end|>\n", "<|im_start|>user\n",
                      "<|im_end|>\n<|im_start|>assistant\n", "", false, false },
  [FAMILY_LLAMA2] = { "<<SYS>>\n", "\n<</SYS>>\n\n", "", " [/INST]", "[INST] ", false, true },
  [FAMILY_LLAMA3]
  = { "<|start_header_id|>system<|end_header_id|>\n\n", "<|eot_id|>",
      "<|start_header_id|>user<|end_header_id|>\n\n",
      "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n", "", true, true },
  /* Gemma has no system turn: the text goes in front of the user's. */
  [FAMILY_GEMMA] = { "", "\n\n", "", "<end_of_turn>\n<start_of_turn>model\n",
                     "<start_of_turn>user\n", false, true },
  [FAMILY_PHI3]
  = { "<|system|>\n", "<|end|>\n", "<|user|>\n", "<|end|>\n<|assistant|>\n", "", false, false },
};

static bool
write_zephyr (const RtGguf *gguf, RtSlice system, RtSlice user, char **prompt, RtError *error)
{
  RtSlice end = end_token (gguf);
  RtSlice parts[] = {
    slice_of ("<|system|>\n"), system, end, slice_of ("\n"),
    slice_of ("<|user|>\n"),   user,   end, slice_of ("\n<|assistant|>\n"),
  };
  size_t n_skipped = system.length ? 0 : 4;

  return join (parts + n_skipped, sizeof parts / sizeof *parts - n_skipped, prompt, error);
}

bool
rt_chat_prompt (const RtGguf *gguf, const char *system, const char *user, char **prompt,
                RtError *error)
{
  RtSlice template;
  Family family = family_of (gguf, &template);

  if (template.length == 0)
    return rt_fail (
        error, RT_ERROR_UNSUPPORTED,
        "the file has no chat template (tokenizer.chat_template): a base model; give it "
        "text to continue instead of a question");
  if (family == FAMILY_NONE)
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "the chat template is of none of the known families (ChatML, Llama 2, Llama 3, "
                    "Gemma, Zephyr, Phi-3)");

  RtSlice system_text = system ? slice_of (system) : (RtSlice){ "", 0 };
  RtSlice user_text = slice_of (user);
  if (!system && family == FAMILY_CHATML)
    system_text = default_system (template);
  if (family == FAMILY_ZEPHYR)
    return write_zephyr (gguf, system_text, user_text, prompt, error);

  const Frame *f = &frames[family];
  if (f->trims_system)
    system_text = trim (system_text);
  if (f->trims_user)
    user_text = trim (user_text);
  RtSlice preamble = family == FAMILY_LLAMA3 ? dates (template) : (RtSlice){ "", 0 };
  bool with_system = system_text.length + preamble.length > 0;
  RtSlice parts[] = {
    slice_of (f->before_all),
    slice_of (with_system ? f->before_system : ""),
    preamble,
    system_text,
    slice_of (with_system ? f->after_system : ""),
    slice_of (f->before_user),
    user_text,
    slice_of (f->after_user),
  };
  return join (parts, sizeof parts / sizeof *parts, prompt, error);
}
