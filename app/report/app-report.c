/* The report as a document: what was measured, how sure it is, where it was measured and how to
 * repeat it. Called by `lathe report` and the window's export; needs no display. Plots are
 * app-report-plots.c, the table of layers app-report-table.c. */
#include "app-report.h"

#include "app-config.h"
#include "app-report-private.h"
#include "eng-json.h"
#include "eng-run-device.h"

#include <math.h>
#include <string.h>

static const char style[]
    = ":root{color-scheme:light "
      "dark;--fg:#1d1d20;--dim:#5e5c64;--bg:#fff;--line:#d8d6da;--soft:#f6f5f7;--good:#106b3a;--"
      "bad:#b00e1d;--accent:#1c5fb8}\n"
      "body{font:15px/1.5 "
      "Cantarell,system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:980px;margin:"
      "0 auto;padding:24px 20px 64px}\n"
      "h1{font-size:1.7em;line-height:1.2;margin:.2em "
      "0;overflow-wrap:anywhere}h2{font-size:1.2em;margin:2em 0 .5em;border-bottom:1px solid "
      "var(--line);"
      "padding-bottom:.2em}h3{font-size:1em;margin:1.4em 0 .4em}\n"
      ".verdict{font-size:1.15em;margin:.4em 0 1em}.dim,small,figcaption{color:var(--dim)}\n"
      "table{border-collapse:collapse;font-variant-numeric:tabular-nums;width:100%}th,td{text-"
      "align:left;padding:5px 10px 5px 0;vertical-align:top;"
      "border-bottom:1px solid var(--line);font-weight:normal}thead th,.keys "
      "th{color:var(--dim)}thead th{vertical-align:bottom}\n"
      "td.num,th.num{text-align:right;white-space:nowrap;padding-left:10px;padding-right:0}td "
      "small,th small{display:block;font-size:.82em}\n"
      "th[scope=row]{overflow-wrap:anywhere;min-width:9em}tr.op "
      "th{padding-left:18px}tr.op{font-size:.92em}tr.layer th{font-weight:600}\n"
      ".better{color:var(--good)}.worse{color:var(--bad)}.same{color:var(--dim)}\n"
      ".wide{overflow-x:auto}.keys th{width:14em}.keys td{overflow-wrap:anywhere}\n"
      ".badge{display:inline-block;border:1px solid currentColor;border-radius:99px;padding:0 "
      ".7em;font-size:.85em;margin-right:.5em}\n"
      ".badge.valid{color:var(--good)}.badge.degraded,.badge.invalid{color:var(--bad)}\n"
      "pre{background:var(--soft);padding:12px;border-radius:8px;overflow:auto;white-space:pre-"
      "wrap;overflow-wrap:anywhere;font-size:.88em}\n"
      "figure{margin:1em 0}svg{width:100%;height:auto;display:block}svg.dark{display:none}\n"
      ".control{display:inline-block;margin:.3em 0}table.sort thead "
      "th{cursor:pointer}th[aria-sort=ascending]::after{content:\" \\2191\"}"
      "th[aria-sort=descending]::after{content:\" \\2193\"}\n"
      "body:not(.ops) tr.op{display:none}li{margin:.15em 0}ul{padding-left:1.3em;margin:.4em 0}\n"
      "@media "
      "(prefers-color-scheme:dark){:root{--fg:#fff;--dim:#b4b2b8;--bg:#1e1e1e;--line:#3d3d42;--"
      "soft:#2a2a2d;--good:#78d99b;--bad:#ff9a9f;"
      "--accent:#78aeed}svg.light{display:none}svg.dark{display:block}}\n"
      "@media "
      "print{:root{--fg:#000;--dim:#444;--bg:#fff;--line:#bbb;--soft:#f4f4f4;--good:#0b5a2e;--bad:#"
      "8f0b17}body{max-width:none;padding:0;font-size:10pt}"
      ".control{display:none}svg.dark{display:none}svg.light{display:block}h2{break-after:avoid}"
      "figure,tr{break-inside:avoid}details{display:block}}\n";

/* Sorting bodies (a layer with its operators) by the clicked column; numbers by data-v, what has
 * none comes last. No character that XML would have to escape. */
static const char script[]
    = "document.querySelectorAll('table.sort').forEach(function(t){t.querySelectorAll('thead "
      "th').forEach(function(h,c){h.tabIndex=0;"
      "function go(){var "
      "d=h.getAttribute('aria-sort')==='descending'?1:-1;t.querySelectorAll('thead "
      "th').forEach(function(o){o.removeAttribute('aria-sort')});"
      "h.setAttribute('aria-sort',d===1?'ascending':'descending');var b=Array.from(t.tBodies);"
      "function v(x){var e=x.rows[0].cells[c];var n=e.dataset.v;return "
      "n===undefined?(c===0?e.textContent:null):Number(n)}"
      "b.sort(function(x,y){var p=v(x),q=v(y);if(p===null){return q===null?0:1}if(q===null){return "
      "-1}"
      "return "
      "c===0?-d*String(p).localeCompare(String(q),undefined,{numeric:true}):d*(p-q)});b.forEach("
      "function(x){t.appendChild(x)})}"
      "h.addEventListener('click',go);h.addEventListener('keydown',function(e){if(e.key==='Enter'){"
      "go()}})})});"
      "document.querySelectorAll('input.ops').forEach(function(i){i.addEventListener('change',"
      "function(){document.body.classList.toggle('ops',i.checked);"
      "document.querySelectorAll('input.ops').forEach(function(o){o.checked=i.checked})})});";

typedef struct
{
  GString *html;
  EngRun *const *runs;
  guint n_runs;
  AppAccuracy *accuracy; /* nullable */
  EngComparison *main;   /* of the phase that matters most; its figures are those of all phases */
} Report;

/* ---- The sentence ---- */

static EngFigureId
main_figure (EngRun *run)
{
  EngFigure accuracy = eng_run_get_figure (run, ENG_FIGURE_ACCURACY),
            inference = eng_run_get_figure (run, ENG_FIGURE_INFERENCE);

  if (eng_run_get_workload (run)->kind == ENG_WORKLOAD_TEXT)
    return ENG_FIGURE_DECODE;
  return accuracy.available && !inference.available ? ENG_FIGURE_ACCURACY : ENG_FIGURE_INFERENCE;
}

/* "SmolLM2 writes 24.1 tok/s (23.8 to 24.4) in 93 MB on AMD EPYC with 2 threads." */
static void
add_single_verdict (Report *self)
{
  EngRun *run = self->runs[0];
  EngFigureId id = main_figure (run);
  EngFigure figure = eng_run_get_figure (run, id),
            memory = eng_run_get_figure (run, ENG_FIGURE_PEAK_MEMORY);
  g_autofree char *value = app_report_format_value (&figure),
                  *interval = app_report_format_interval (&figure),
                  *bytes = app_report_format_value (&memory);
  g_autoptr (JsonNode) machine
      = eng_json_parse_object (eng_run_get_machine_json (run), "machine", NULL);
  const char *cpu
      = machine != NULL ? eng_json_get_string (json_node_get_object (machine), "cpu") : NULL;

  app_html_printf (self->html, "%s ", eng_run_get_model_name (run));
  if (!figure.available)
    app_html_printf (self->html, "was run; its %s is %s", eng_figure_id_title (id), interval);
  else if (id == ENG_FIGURE_ACCURACY)
    app_html_printf (self->html, "gets %s right (95 %%: %s)", value, interval);
  else
    app_html_printf (self->html, "%s %s (95 %%: %s)", id == ENG_FIGURE_DECODE ? "writes" : "takes",
                     value, interval);
  if (id == ENG_FIGURE_INFERENCE && figure.available)
    app_html_text (self->html, " for one input");
  if (memory.available)
    app_html_printf (self->html, " and needs %s at its peak", bytes);
  app_html_text (self->html, ", on ");
  if (eng_run_get_device (run) != NULL)
    app_html_printf (self->html, "%s, ", eng_run_get_device (run));
  app_html_printf (self->html, "%s with %u %s.", cpu != NULL ? cpu : "an unknown machine",
                   eng_run_get_n_threads (run),
                   eng_run_get_n_threads (run) == 1 ? "thread" : "threads");
}

static void
add_change_words (Report *self, guint r, EngFigureId id, const char *what)
{
  EngChange change = eng_comparison_get_figure_change (self->main, r, id);
  g_autofree char *text = app_report_format_change (&change);

  if (change.verdict == ENG_CHANGE_NONE)
    app_html_printf (self->html, "%s: not compared (%s)", what, change.reason);
  else if (change.verdict == ENG_CHANGE_SAME)
    app_html_printf (self->html, "%s: no clear difference", what);
  else
    app_html_printf (self->html, "%s: %s, %s", what, text,
                     change.verdict == ENG_CHANGE_BETTER ? "better" : "worse");
}

/* How many layers changed clearly, and in which direction. */
static void
add_layer_words (Report *self, guint r)
{
  guint n = 0, n_better = 0, n_worse = 0;

  for (guint row = 0; row < eng_comparison_get_n_rows (self->main); row++)
    {
      EngChange change = eng_comparison_get_change (self->main, row, r, ENG_LAYER_METRIC_LATENCY);

      if (eng_comparison_get_row (self->main, row)->depth > 0 || change.verdict == ENG_CHANGE_NONE)
        continue;
      n++;
      n_better += change.verdict == ENG_CHANGE_BETTER && eng_change_is_clear (&change);
      n_worse += change.verdict == ENG_CHANGE_WORSE && eng_change_is_clear (&change);
    }
  if (n > 0)
    app_html_printf (self->html, "; of %u layers %u are clearly faster and %u clearly slower", n,
                     n_better, n_worse);
}

static void
add_verdict (Report *self)
{
  g_string_append (self->html, "<div class=\"verdict\">");
  if (self->n_runs == 1)
    {
      g_string_append (self->html, "<p>");
      add_single_verdict (self);
      g_string_append (self->html, "</p>");
    }
  for (guint r = 1; r < self->n_runs; r++)
    {
      EngFigureId id = main_figure (self->runs[0]);
      g_autofree char *letter = app_report_letter (r);

      g_string_append (self->html, "<p>");
      app_html_printf (self->html, "%s against A: ", letter);
      if (eng_comparison_get_withheld (self->main, r, ENG_ASPECT_LAYERS) != NULL)
        app_html_text (self->html, eng_comparison_get_withheld (self->main, r, ENG_ASPECT_LAYERS));
      else
        {
          add_change_words (self, r, id, eng_figure_id_title (id));
          g_string_append (self->html, "; ");
          add_change_words (self, r, ENG_FIGURE_PEAK_MEMORY, "peak memory");
          add_layer_words (self, r);
          g_string_append_c (self->html, '.');
        }
      g_string_append (self->html, "</p>");
    }
  g_string_append (self->html, "</div>\n");
}

/* ---- Runs: validity, what is withheld ---- */

static void
add_list (GString *html, const char *const *texts)
{
  if (texts == NULL || texts[0] == NULL)
    return;
  g_string_append (html, "<ul>");
  for (guint i = 0; texts[i] != NULL; i++)
    app_html_element (html, "li", texts[i]);
  g_string_append (html, "</ul>\n");
}

/* What the badges do not say already. */
static void
add_caveats (Report *self, guint r)
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new ();

  for (const char *const *caveat = eng_comparison_get_caveats (self->main, r); *caveat != NULL;
       caveat++)
    if (strstr (*caveat, " run is degraded (") == NULL)
      g_ptr_array_add (texts, (gpointer)*caveat);
  g_ptr_array_add (texts, NULL);
  add_list (self->html, (const char *const *)texts->pdata);
}

static void
add_runs (Report *self)
{
  static const char *const aspects[ENG_N_ASPECTS]
      = { "Not compared: ", "Times are not compared: ", "Memory is not compared: ",
          "Accuracy is not compared: " };

  for (guint r = 0; r < self->n_runs; r++)
    {
      EngRun *run = self->runs[r];
      const char *validity = eng_validity_name (eng_run_get_validity (run));
      g_autofree char *letter = app_report_letter (r),
                      *label = eng_comparison_dup_label (self->main, r);

      g_string_append (self->html, "<section><h3>");
      if (self->n_runs > 1)
        app_html_printf (self->html, "%s%s: %s", letter, r == 0 ? " (baseline)" : "", label);
      else
        app_html_text (self->html, label);
      g_string_append_printf (self->html, "</h3><p><span class=\"badge %s\">%s</span>", validity,
                              validity);
      app_html_printf (self->html, "%s, run %s", eng_run_get_model_name (run),
                       eng_run_get_id (run));
      g_string_append (self->html, "</p>");
      add_list (self->html, eng_run_get_reasons (run));
      for (EngAspect aspect = 0; aspect < ENG_N_ASPECTS; aspect++)
        {
          const char *why = eng_comparison_get_withheld (self->main, r, aspect);

          if (why == NULL)
            continue;
          g_string_append (self->html, "<p class=\"worse\">");
          app_html_printf (self->html, "%s%s", aspects[aspect], why);
          g_string_append (self->html, "</p>");
          if (aspect == ENG_ASPECT_LAYERS)
            break;
        }
      add_caveats (self, r);
      g_string_append (self->html, "</section>\n");
    }
}

/* ---- Figures ---- */

/* Of the run, or, for an accuracy, of its build; @set: what it was evaluated on, NULL for
 * others. */
static EngFigure
get_figure (Report *self, guint r, EngFigureId id, const char **set)
{
  EngFigure figure = eng_comparison_get_figure (self->main, r, id);
  const AppEvaluation *found = NULL;

  if (!figure.available && eng_figure_id_is_accuracy (id) && self->accuracy != NULL)
    found = app_accuracy_find (self->accuracy, eng_run_get_build_hash (self->runs[r]), NULL, id);
  *set = found != NULL ? app_evaluation_get_title (found) : NULL;
  return found != NULL ? found->figures[id] : figure;
}

/* Accuracies compare on one set only. */
static EngChange
get_change (Report *self, guint r, EngFigureId id)
{
  EngChange change = eng_comparison_get_figure_change (self->main, r, id);
  const AppEvaluation *a, *b;

  if (change.verdict != ENG_CHANGE_NONE || !eng_figure_id_is_accuracy (id) || self->accuracy == NULL
      || eng_comparison_get_withheld (self->main, r, ENG_ASPECT_LAYERS) != NULL
      || !app_accuracy_find_pair (self->accuracy, eng_run_get_build_hash (self->runs[0]),
                                  eng_run_get_build_hash (self->runs[r]), id, &a, &b))
    return change;
  return eng_change (&a->figures[id], &b->figures[id], eng_figure_id_lower_is_better (id));
}

static void
add_figure_cells (Report *self, guint r, EngFigureId id)
{
  static const char *const css[] = { "num dim", "num same", "num better", "num worse" };
  const char *set;
  EngFigure figure = get_figure (self, r, id, &set);
  EngChange change = get_change (self, r, id);
  g_autofree char *value = app_report_format_value (&figure);
  g_autofree char *interval = app_report_format_interval (&figure);
  g_autofree char *text = app_report_format_change (&change);

  g_string_append_printf (self->html, "<td class=\"num%s\">", figure.available ? "" : " dim");
  app_html_text (self->html, value);
  app_html_element (self->html, "small", interval);
  if (set != NULL)
    app_html_element (self->html, "small", set);
  g_string_append (self->html, "</td>");
  if (r == 0)
    return;
  g_string_append_printf (self->html, "<td class=\"%s\">", css[change.verdict]);
  app_html_text (self->html, text);
  if (change.verdict == ENG_CHANGE_SAME && change.frac != 0)
    app_html_element (self->html, "small", "no clear difference");
  g_string_append (self->html, "</td>");
}

static gboolean
applies (Report *self, EngFigureId id)
{
  for (guint r = 0; r < self->n_runs; r++)
    if (eng_figure_id_applies (id, eng_run_get_workload (self->runs[r])->kind))
      return TRUE;
  return FALSE;
}

static gboolean
is_known (Report *self, EngFigureId id)
{
  const char *set;

  for (guint r = 0; r < self->n_runs; r++)
    if (get_figure (self, r, id, &set).available)
      return TRUE;
  return FALSE;
}

/* An energy says by a mark before its name, too, how it came about. */
static const char *
grade_mark (EngFigureId id)
{
  switch ((int)id)
    {
    case ENG_FIGURE_TOKEN_ENERGY:
    case ENG_FIGURE_PROMPT_ENERGY:
    case ENG_FIGURE_INFERENCE_ENERGY:
    case ENG_FIGURE_POWER:
    case ENG_FIGURE_ACCURACY_PER_JOULE:
      return "\u25cf ";
    case ENG_FIGURE_TOKEN_ENERGY_MODEL:
    case ENG_FIGURE_PROMPT_ENERGY_MODEL:
    case ENG_FIGURE_INFERENCE_ENERGY_MODEL:
    case ENG_FIGURE_ACCURACY_PER_JOULE_MODEL:
      return "\u25cb ";
    default:
      return "";
    }
}

/* What no run has, with the first run's reason. */
static void
add_unknown (Report *self)
{
  g_string_append (self->html, "<details><summary>Not measured, and why</summary><ul>\n");
  for (EngFigureId id = 0; id < ENG_N_FIGURES; id++)
    {
      EngFigure figure = eng_run_get_figure (self->runs[0], id);

      if (!applies (self, id) || is_known (self, id) || eng_figure_id_is_speculation (id))
        continue;
      g_string_append (self->html, "<li>");
      app_html_printf (self->html, "%s%s: %s", grade_mark (id), eng_figure_id_title (id),
                       figure.reason != NULL ? figure.reason : "not measured");
      g_string_append (self->html, "</li>\n");
    }
  g_string_append (self->html, "</ul></details>\n");
}

static void
add_figures (Report *self)
{
  g_string_append (self->html,
                   "<h2>Figures</h2>\n<div class=\"wide\"><table><thead><tr><th>Figure</th>");
  for (guint r = 0; r < self->n_runs; r++)
    {
      g_autofree char *letter = app_report_letter (r);

      g_string_append_printf (self->html, "<th class=\"num\">%s</th>",
                              self->n_runs > 1 ? letter : "Median and 95 % interval");
      if (r > 0)
        g_string_append_printf (self->html, "<th class=\"num\">%s against A</th>", letter);
    }
  g_string_append (self->html, "</tr></thead><tbody>\n");
  for (EngFigureId id = 0; id < ENG_N_FIGURES; id++)
    {
      if (!applies (self, id) || !is_known (self, id))
        continue;
      g_string_append (self->html, "<tr><th scope=\"row\">");
      app_html_printf (self->html, "%s%s", grade_mark (id), eng_figure_id_title (id));
      g_string_append (self->html, "</th>");
      for (guint r = 0; r < self->n_runs; r++)
        add_figure_cells (self, r, id);
      g_string_append (self->html, "</tr>\n");
    }
  g_string_append (self->html, "</tbody></table></div>\n");
  add_unknown (self);
}

/* ---- Layers ---- */

static gboolean
has_phase (Report *self, RtPhase phase)
{
  for (guint r = 0; r < self->n_runs; r++)
    if (eng_profile_get_phase (eng_run_get_profile (self->runs[r]), phase)->total.n > 0)
      return TRUE;
  return FALSE;
}

static void
add_layers (Report *self)
{
  static const RtPhase order[] = { RT_PHASE_INFERENCE, RT_PHASE_DECODE, RT_PHASE_PREFILL };
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    {
      g_autoptr (EngComparison) comparison = NULL;

      if (!has_phase (self, order[i]))
        continue;
      comparison = eng_comparison_new (self->runs, self->n_runs, order[i]);
      g_string_append_printf (self->html, "<h2>Layers, %s</h2>\n",
                              app_report_phase_title (order[i]));
      app_report_add_lanes (self->html, comparison, n++);
      app_report_add_table (self->html, comparison);
    }
  if (n == 0)
    g_string_append (
        self->html,
        "<h2>Layers</h2>\n<p class=\"dim\">No layers were measured in these runs.</p>\n");
}

/* ---- Conditions ---- */

static void
add_pair (GString *html, const char *key, const char *value)
{
  g_string_append (html, "<tr>");
  app_html_element (html, "th scope=\"row\"", key);
  app_html_element (html, value != NULL ? "td" : "td class=\"dim\"",
                    value != NULL ? value : "unavailable");
  g_string_append (html, "</tr>\n");
}

static char *
format_member (const char *name, JsonNode *node)
{
  if (json_node_is_null (node))
    return NULL;
  if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
    return g_strdup (json_node_get_string (node));
  if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_BOOLEAN)
    return g_strdup (json_node_get_boolean (node) ? "yes" : "no");
  if (JSON_NODE_HOLDS_VALUE (node) && g_str_has_suffix (name, "_bytes"))
    return eng_format_value (json_node_get_double (node), "B");
  if (JSON_NODE_HOLDS_VALUE (node) && g_str_has_suffix (name, "_hz"))
    return g_strdup_printf ("%.2f\u202fGHz", json_node_get_double (node) / 1e9);
  if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_DOUBLE)
    return g_strdup_printf ("%.4g", json_node_get_double (node));
  return eng_json_to_text (node, FALSE);
}

/* "memory_bytes" reads "memory". */
static char *
dup_key (const char *name)
{
  static const char *const known[][2] = { { "cpu", "Processor" },
                                          { "cpus", "Usable cores" },
                                          { "load_1min", "Load at the start" } };
  static const char *const units[] = { "_bytes", "_hz", "_unix_s" };
  char *key;

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if (g_str_equal (known[i][0], name))
      return g_strdup (known[i][1]);
  key = g_strdelimit (g_strdup (name), "_", ' ');

  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    if (g_str_has_suffix (name, units[i]))
      key[strlen (name) - strlen (units[i])] = '\0';
  key[0] = g_ascii_toupper (key[0]);
  return key;
}

static void
add_machine (GString *html, EngRun *run)
{
  g_autoptr (JsonNode) root
      = eng_json_parse_object (eng_run_get_machine_json (run), "machine", NULL);
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  if (root == NULL)
    return;
  json_object_iter_init_ordered (&iter, json_node_get_object (root));
  while (json_object_iter_next_ordered (&iter, &name, &node))
    {
      if (g_str_equal (name, "isa"))
        continue; /* the run's own stands above */
      g_autofree char *key = dup_key (name), *value = format_member (name, node);

      add_pair (html, key, value);
    }
}

static void
add_number (GString *html, const char *key, guint64 value)
{
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT, value);

  add_pair (html, key, text);
}

static void
add_conditions (GString *html, EngRun *run)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (eng_run_get_time (run));
  g_autofree char *when = time != NULL ? g_date_time_format (time, "%F %T UTC") : NULL;
  g_auto (GStrv) facts = eng_conditions_dup_facts (eng_run_get_conditions (run));
  EngEnergy *energy = eng_run_get_energy (run);

  g_string_append (html, "<table class=\"keys\"><tbody>\n");
  add_pair (html, "Measured", when);
  add_pair (html, "Model file", eng_run_get_model_file (run));
  add_pair (html, "Model SHA-256", eng_run_get_model_hash (run));
  add_pair (html, "Build", eng_run_get_build_hash (run));
  add_pair (html, "Instruction set", eng_run_get_isa (run));
  add_number (html, "Threads", eng_run_get_n_threads (run));
  if (eng_run_get_n_ctx (run) > 0)
    add_number (html, "Context, tokens", eng_run_get_n_ctx (run));
  add_machine (html, run);
  for (guint i = 0; facts[i] != NULL && facts[i + 1] != NULL; i += 2)
    add_pair (html, facts[i], facts[i + 1]);
  if (energy != NULL)
    {
      add_pair (html, "Power meter",
                eng_energy_get_meter (energy) != NULL ? eng_energy_get_meter (energy)
                                                      : eng_energy_get_reason (energy));
      add_pair (html, "Energy model", eng_energy_get_model (energy));
    }
  g_string_append (html, "</tbody></table>\n");
}

/* ---- Workload, how to repeat ---- */

static void
add_workload (GString *html, EngRun *run)
{
  const EngWorkload *workload = eng_run_get_workload (run);
  g_autofree char *inputs = workload->inputs != NULL ? g_strjoinv ("\n", workload->inputs) : NULL;
  g_autofree char *sampling
      = g_strdup_printf ("temperature %g, top-k %u, top-p %g, min-p %g, seed %" G_GUINT64_FORMAT,
                         (double)workload->sampler.temperature, workload->sampler.top_k,
                         (double)workload->sampler.top_p, (double)workload->sampler.min_p,
                         (guint64)workload->sampler.seed);

  g_string_append (html, "<table class=\"keys\"><tbody>\n");
  if (workload->kind == ENG_WORKLOAD_TEXT)
    {
      add_pair (html, "Prompt", workload->prompt);
      if (workload->system != NULL)
        add_pair (html, "System message", workload->system);
      add_pair (html, "Chat template", workload->chat ? "yes" : "no");
      add_number (html, "Prompt, tokens", eng_run_get_n_prompt (run));
      add_number (html, "Written, tokens", eng_run_get_n_generated (run));
      add_pair (html, "Sampling", workload->sampler.temperature > 0 ? sampling : "greedy");
      add_pair (html, "Ended by", eng_run_get_stop (run));
    }
  else
    {
      add_pair (html, workload->labelled ? "Labelled set" : "Inputs",
                inputs != NULL && *inputs != '\0' ? inputs : "one random input");
      add_number (html, "Inferences", eng_run_get_n_inferences (run));
      if (workload->rate_hz > 0)
        {
          g_autofree char *rate = g_strdup_printf ("%g per second", workload->rate_hz);

          add_pair (html, "Rate", rate);
        }
    }
  g_string_append (html, "</tbody></table>\n");
}

static void
append_option (GString *line, const char *option, const char *value)
{
  g_autofree char *quoted = g_shell_quote (value);

  g_string_append_printf (line, " %s %s", option, quoted);
}

static char *
make_command (EngRun *run)
{
  const EngWorkload *workload = eng_run_get_workload (run);
  g_autofree char *pretty = eng_recipe_to_json (eng_run_get_recipe (run));
  g_autoptr (JsonNode) root = json_from_string (pretty, NULL);
  g_autofree char *recipe = eng_json_to_text (root, FALSE);
  g_autofree char *file = g_shell_quote (
      eng_run_get_model_file (run) != NULL ? eng_run_get_model_file (run) : "MODEL");
  g_autofree char *n_predict = g_strdup_printf ("%u", workload->n_predict),
                  *n_repeats = g_strdup_printf ("%u", workload->n_repeats);
  g_autoptr (GString) line = g_string_new (workload->labelled ? "lathe eval "
                                           : workload->chat   ? "lathe run "
                                                              : "lathe profile ");

  g_string_append (line, file);
  append_option (line, "--recipe", recipe);
  if (workload->kind == ENG_WORKLOAD_TEXT && !workload->labelled)
    {
      append_option (line, "-p", workload->prompt);
      append_option (line, "-n", n_predict);
      if (workload->chat)
        g_string_append (line, " --chat");
      if (workload->system != NULL)
        append_option (line, "--system", workload->system);
    }
  for (guint i = 0; workload->inputs != NULL && workload->inputs[i] != NULL; i++)
    append_option (line, workload->labelled ? "--data" : "-i", workload->inputs[i]);
  if (workload->kind == ENG_WORKLOAD_INPUT && !workload->labelled && workload->n_repeats > 0)
    append_option (line, "--repeats", n_repeats);
  return g_string_free (g_steal_pointer (&line), FALSE);
}

static void
add_details (Report *self)
{
  for (guint r = 0; r < self->n_runs; r++)
    {
      EngRun *run = self->runs[r];
      g_autofree char *letter = app_report_letter (r), *recipe = eng_run_dup_recipe_text (run),
                      *json = eng_recipe_to_json (eng_run_get_recipe (run)),
                      *command = make_command (run);

      g_string_append (self->html, "<h2>");
      app_html_printf (self->html, "%s%s%s", self->n_runs > 1 ? "Run " : "How it was measured",
                       self->n_runs > 1 ? letter : "",
                       self->n_runs > 1 ? ": how it was measured" : "");
      g_string_append (self->html, "</h2>\n<h3>Recipe</h3>\n");
      app_html_element (self->html, "p", recipe);
      g_string_append (self->html, "<details><summary>As JSON</summary>");
      app_html_element (self->html, "pre", json);
      g_string_append (self->html, "</details>\n<h3>Machine and conditions</h3>\n");
      add_conditions (self->html, run);
      g_string_append (self->html, "<h3>Workload</h3>\n");
      add_workload (self->html, run);
      if (eng_run_get_notes (run) != NULL && eng_run_get_notes (run)[0] != NULL)
        {
          g_string_append (self->html, "<h3>Notes of the build</h3>\n");
          add_list (self->html, eng_run_get_notes (run));
        }
      g_string_append (self->html, "<h3>To repeat it</h3>\n");
      app_html_element (self->html, "pre", command);
    }
}

static void
add_definitions (GString *html)
{
  g_string_append (html,
                   "<h2>How to read this</h2>\n<ul>"
                   "<li>Values are medians; the smaller line is their 95 % interval. Totals come "
                   "from passes without instruments, layers from instrumented passes; "
                   "what lies between them is named overhead.</li>"
                   "<li>Changes have 95 % intervals of their own, made from both intervals (Zou "
                   "and Donner, 2008). ≈ marks a change whose interval holds "
                   "zero. Of many layers, a few in a hundred differ by chance.</li>"
                   "<li>An em dash is something that was not measured, with the reason where there "
                   "is room; it is never zero.</li>"
                   "<li>Energies have a mark: \u25cf measured by a sensor, \u25d0 attributed (a "
                   "measured total divided over layers by a rule), \u25cb modelled "
                   "(a stated cost model). One grade is never compared with another.</li>"
                   "<li>Energies have a mark: \u25cf measured by a sensor; \u25cb modelled by a "
                   "stated cost model. Those of layers are attributed (a measured total divided "
                   "by a rule) or modelled. One grade is never compared with another.</li>"
                   "<li>Prefill and decode are two profiles and are never averaged.</li></ul>\n");
}

char *
app_report_to_html (EngRun *const *runs, guint n_runs, AppAccuracy *accuracy, const char *title)
{
  g_autoptr (EngComparison) comparison = NULL;
  GString *html = g_string_new (
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n");
  g_autofree char *heading = NULL;
  Report report = { html, runs, n_runs, accuracy, NULL };

  g_return_val_if_fail (runs != NULL && n_runs > 0, NULL);

  report.main = comparison = eng_comparison_new (runs, n_runs, RT_PHASE_DECODE);
  heading = title != NULL ? g_strdup (title)
                          : g_strdup_printf ("%s: %s", eng_run_get_model_name (runs[0]),
                                             n_runs > 1 ? "runs compared" : "measured");
  app_html_element (html, "title", heading);
  g_string_append_printf (
      html, "<meta name=\"generator\" content=\"Lathe %s\"/>\n<style>\n%s</style></head>\n<body>\n",
      APP_VERSION, style);
  app_html_element (html, "h1", heading);
  add_verdict (&report);
  add_runs (&report);
  add_figures (&report);
  app_report_add_tradeoff (html, comparison);
  add_layers (&report);
  add_details (&report);
  add_definitions (html);
  g_string_append_printf (
      html, "<p class=\"dim\">Written by Lathe %s.</p>\n<script>%s</script>\n</body></html>\n",
      APP_VERSION, script);
  return g_string_free (html, FALSE);
}
