/* Chat prompts of each family. The expected texts are what the families' published templates print
 * (Jinja, one user message, add_generation_prompt), the beginning-of-sequence token left out. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "gguf-bytes.h"
#include "models-folder.h"
#include "rt-tokenizer.h"

#define SMOLLM_SYSTEM "You are a helpful AI assistant named SmolLM, trained by Hugging Face"

/* Enough of each template to be recognised; the first two are as in the files. */
static const char chatml_smollm[]
    = "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ "
      "'<|im_start|>system\n" SMOLLM_SYSTEM "<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + "
      "message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if "
      "add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
static const char chatml_plain[]
    = "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + "
      "message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}";
/* As Qwen2.5's: a first place that is program, a second that is text, with escapes. */
static const char chatml_qwen[]
    = "{%- if messages[0]['role'] == 'system' %}{{- '<|im_start|>system\\n' + "
      "messages[0]['content'] + '<|im_end|>\\n' }}{%- else %}{{- '<|im_start|>system\\nYou are "
      "Qwen.<|im_end|>\\n' }}{%- endif %}";
static const char llama2[]
    = "{% if true %}'<<SYS>>\\n' + system{% endif %}'[INST] ' + content + ' [/INST]'";
static const char llama3[] = "'<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ "
                             "message['content'] | trim + '<|eot_id|>'";
static const char llama31[]
    = "{%- set date_string = \"26 Jul 2024\" %}{{- "
      "\"<|start_header_id|>system<|end_header_id|>\\n\\n\" "
      "}}{{- \"Cutting Knowledge Date: December 2023\\n\" }}{{- \"Today Date: \" + date_string + "
      "\"\\n\\n\" }}{{- system_message }}{{- \"<|eot_id|>\" }}";
static const char gemma[] = "'<start_of_turn>' + role + '\n' + content | trim + '<end_of_turn>\n'";
static const char zephyr[] = "'<|user|>\n' + message['content'] + eos_token ... '<|assistant|>'";
static const char phi3[]
    = "'<|user|>' + '\n' + content + '<|end|>' + '\n' + '<|assistant|>' + '\n'";
static const char mistral[] = "'[INST] ' + message['content'] + '[/INST]'";

/* A file with nothing but @template (NULL: none) and an end-of-sequence token called "<eos>". */
static RtGguf *
new_file (const char *template, GByteArray **bytes)
{
  GByteArray *b = *bytes = g_byte_array_new ();
  RtError error = { 0 };

  put_header (b, 3, 0, template ? 3 : 2);
  put_key (b, "tokenizer.ggml.tokens", RT_GGUF_ARRAY);
  put_u32 (b, RT_GGUF_STRING);
  put_u64 (b, 2);
  put_string (b, "a");
  put_string (b, "<eos>");
  put_key (b, "tokenizer.ggml.eos_token_id", RT_GGUF_U32);
  put_u32 (b, 1);
  if (template)
    {
      put_key (b, "tokenizer.chat_template", RT_GGUF_STRING);
      put_string (b, template);
    }
  RtGguf *g = rt_gguf_open_bytes (b->data, b->len, &error);
  g_assert_nonnull (g);
  return g;
}

static void
test_families (void)
{
  static const struct
  {
    const char *template, *family, *system, *user, *prompt;
  } cases[] = {
    { chatml_smollm, "chatml", NULL, "Hi",
      "<|im_start|>system\n" SMOLLM_SYSTEM "<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
      "<|im_start|>assistant\n" },
    { chatml_smollm, "chatml", "", "Hi",
      "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n" },
    { chatml_smollm, "chatml", "Be brief.", " Hi \n",
      "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n Hi \n<|im_end|>\n"
      "<|im_start|>assistant\n" },
    { chatml_plain, "chatml", NULL, "Hi",
      "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n" },
    { chatml_qwen, "chatml", NULL, "Hi",
      "<|im_start|>system\nYou are Qwen.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
      "<|im_start|>assistant\n" },
    { llama2, "llama2", NULL, " Hi ", "[INST] Hi [/INST]" },
    { llama2, "llama2", "Be brief.", "Hi", "[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST]" },
    { llama3, "llama3", NULL, " Hi\n",
      "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
      "<|start_header_id|>assistant<|end_header_id|>\n\n" },
    { llama3, "llama3", "Be brief.", "Hi",
      "<|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
      "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
      "<|start_header_id|>assistant<|end_header_id|>\n\n" },
    { llama31, "llama3", NULL, "Hi",
      "<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\n"
      "Today Date: 26 Jul "
      "2024\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
      "<|start_header_id|>assistant<|end_header_id|>\n\n" },
    { gemma, "gemma", NULL, "Hi", "<start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n" },
    { gemma, "gemma", "Be brief.", "Hi",
      "<start_of_turn>user\nBe brief.\n\nHi<end_of_turn>\n<start_of_turn>model\n" },
    { zephyr, "zephyr", NULL, "Hi", "<|user|>\nHi<eos>\n<|assistant|>\n" },
    { zephyr, "zephyr", "Be brief.", "Hi",
      "<|system|>\nBe brief.<eos>\n<|user|>\nHi<eos>\n<|assistant|>\n" },
    { phi3, "phi3", NULL, "Hi", "<|user|>\nHi<|end|>\n<|assistant|>\n" },
    { phi3, "phi3", "Be brief.", "Hi",
      "<|system|>\nBe brief.<|end|>\n<|user|>\nHi<|end|>\n<|assistant|>\n" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GByteArray) bytes = NULL;
      RtGguf *g = new_file (cases[i].template, &bytes);
      RtError error = { 0 };
      char *prompt = NULL;
      g_assert_cmpstr (rt_chat_family (g), ==, cases[i].family);
      g_assert_true (rt_chat_prompt (g, cases[i].system, cases[i].user, &prompt, &error));
      g_assert_cmpstr (prompt, ==, cases[i].prompt);
      free (prompt);
      rt_gguf_close (g);
    }
}

static void
test_unknown (void)
{
  static const char *const templates[] = { NULL, "", mistral, "{{ messages }}" };

  for (size_t i = 0; i < G_N_ELEMENTS (templates); i++)
    {
      g_autoptr (GByteArray) bytes = NULL;
      RtGguf *g = new_file (templates[i], &bytes);
      RtError error = { 0 };
      char *prompt = NULL;
      g_assert_null (rt_chat_family (g));
      g_assert_false (rt_chat_prompt (g, NULL, "Hi", &prompt, &error));
      g_assert_cmpint (error.status, ==, RT_ERROR_UNSUPPORTED);
      g_assert_nonnull (strstr (error.message, i < 2 ? "no chat template" : "known families"));
      rt_gguf_close (g);
    }
}

/* The real file: its own system text, and the markers are single tokens. */
static void
test_smollm2 (void)
{
  g_autofree char *path = dup_model_or_skip ("SmolLM2-135M-Instruct.Q4_1.gguf");
  RtError error = { 0 };
  char *prompt = NULL;
  int32_t *tokens = NULL;
  size_t n = 0;

  if (!path)
    return;
  RtGguf *g = rt_gguf_open (path, &error);
  g_assert_nonnull (g);
  RtTokenizer *t = rt_tokenizer_new (g, &error);
  g_assert_nonnull (t);
  g_assert_true (rt_chat_prompt (g, NULL, "Hi", &prompt, &error));
  g_assert_cmpstr (prompt, ==,
                   "<|im_start|>system\n" SMOLLM_SYSTEM "<|im_end|>\n<|im_start|>user\nHi"
                   "<|im_end|>\n<|im_start|>assistant\n");
  g_assert_true (rt_tokenizer_encode (t, prompt, strlen (prompt), true, true, &tokens, &n, &error));
  int n_starts = 0, n_ends = 0;
  for (size_t i = 0; i < n; i++)
    {
      n_starts += rt_slice_equals (rt_tokenizer_name (t, tokens[i]), "<|im_start|>");
      n_ends += rt_slice_equals (rt_tokenizer_name (t, tokens[i]), "<|im_end|>");
    }
  g_assert_true (rt_slice_equals (rt_tokenizer_name (t, tokens[0]), "<|im_start|>"));
  g_assert_cmpint (n_starts, ==, 3);
  g_assert_cmpint (n_ends, ==, 2);
  free (tokens);
  free (prompt);
  rt_tokenizer_free (t);
  rt_gguf_close (g);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/chat/families", test_families);
  g_test_add_func ("/chat/unknown", test_unknown);
  g_test_add_func ("/chat/smollm2", test_smollm2);
  return g_test_run ();
}
