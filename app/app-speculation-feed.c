/* What the speculation view shows, from the run's record (eng-speculation.h). Called by that view;
 * knows no widget of the window. */
#include "app-speculation-feed.h"

#include "app-config.h"
#include "rt-speculate.h"

#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

/* ---- Figures ---- */

void
app_speculation_fill_acceptance (EngSpeculation *speculation, PlotSeries *bars)
{
  guint n;
  const EngAcceptance *depths = eng_speculation_get_acceptance (speculation, &n);

  plot_series_clear (bars);
  for (guint i = 0; i < n; i++)
    {
      EngFigure share = eng_figure_share (depths[i].n_accepted, depths[i].n_tested);
      g_autofree char *label = g_strdup_printf (_ ("Position %u"), i + 1);
      g_autofree char *counts = NULL;
      gsize at = plot_series_get_n (bars);

      if (depths[i].n_tested == 0)
        continue;
      plot_series_append_interval (bars, i + 1, share.value, share.low, share.high);
      plot_series_set_label (bars, at, label);
      counts = g_strdup_printf (_ ("%u of %u"), depths[i].n_accepted, depths[i].n_tested);
      plot_series_add_fact (bars, at, _ ("accepted of tested"), counts);
      g_free (counts);
      counts = g_strdup_printf ("%u", depths[i].n_drafted);
      plot_series_add_fact (bars, at, _ ("drafted"), counts);
    }
}

void
app_speculation_fill_trace (EngSpeculation *speculation, PlotSeries *aimed, PlotSeries *accepted)
{
  guint n = eng_speculation_get_n_rounds (speculation);

  plot_series_clear (aimed);
  plot_series_clear (accepted);
  for (guint i = 0; i < n; i++)
    {
      const EngRound *round = eng_speculation_get_round (speculation, i);
      g_autofree char *label = app_speculation_dup_round (speculation, i);
      gsize at = plot_series_get_n (accepted);

      plot_series_append (aimed, round->first_token, round->draft_length);
      if (round->n_drafted == 0)
        continue;
      plot_series_append (accepted, round->first_token, round->n_accepted);
      plot_series_set_label (accepted, at, label);
    }
  if (n > 0) /* the last length holds to the end of the text */
    {
      const EngRound *last = eng_speculation_get_round (speculation, n - 1);

      plot_series_append (aimed, last->first_token + last->n_emitted, last->draft_length);
    }
}

/* ---- Timeline ---- */

enum
{
  GROUP_DRAFT,
  GROUP_VERIFY,
  GROUP_PLAIN,
  GROUP_CHOOSE,
  N_GROUPS
};

static void
add_span (GArray *spans, double start, double length, guint row, guint round, guint group)
{
  PlotTimelineSpan span = { 0 };

  if (!isfinite (start) || !isfinite (length) || length <= 0.0)
    return;
  span.start_ns = (gint64)start;
  span.end_ns = span.wait_ns = (gint64)(start + length);
  span.row = row;
  /* What choosing took is told under the pointer; the count stands once, in what was verified. */
  span.name = 2 * round + (group == GROUP_CHOOSE ? 1 : 0);
  span.group = group;
  span.item = (int)round;
  span.family = -1;
  if (span.end_ns > span.start_ns)
    g_array_append_val (spans, span);
}

void
app_speculation_fill_timeline (EngSpeculation *speculation, PlotTimeline *timeline)
{
  const PlotTimelineRow rows[] = { { _ ("Draft"), FALSE }, { _ ("Verify"), FALSE } };
  const PlotTimelineGroup groups[N_GROUPS] = {
    { _ ("drafting"), 1 }, { _ ("verifying"), 0 }, { _ ("plain step"), -1 }, { _ ("choosing"), 3 }
  };
  g_autoptr (GArray) spans = g_array_new (FALSE, TRUE, sizeof (PlotTimelineSpan));
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) details = g_ptr_array_new_with_free_func (g_free);
  guint n = eng_speculation_get_n_rounds (speculation);

  for (guint i = 0; i < n; i++)
    {
      const EngRound *round = eng_speculation_get_round (speculation, i);
      double at = round->start_ns;

      g_ptr_array_add (names, round->n_drafted > 0
                                  ? g_strdup_printf ("%u/%u", round->n_accepted, round->n_drafted)
                                  : g_strdup ("1"));
      g_ptr_array_add (names, g_strdup (""));
      for (int k = 0; k < 2; k++)
        g_ptr_array_add (details, app_speculation_dup_round (speculation, i));
      add_span (spans, at, round->draft_ns, 0, i, GROUP_DRAFT);
      at += isfinite (round->draft_ns) ? round->draft_ns : 0.0;
      add_span (spans, at, round->verify_ns, 1, i,
                round->n_drafted > 0 ? GROUP_VERIFY : GROUP_PLAIN);
      add_span (spans, at + round->verify_ns, round->choose_ns, 1, i, GROUP_CHOOSE);
    }
  plot_timeline_set_data (timeline,
                          &(PlotTimelineData){ .spans = (const PlotTimelineSpan *)spans->data,
                                               .n_spans = spans->len,
                                               .rows = rows,
                                               .n_rows = G_N_ELEMENTS (rows),
                                               .groups = groups,
                                               .n_groups = N_GROUPS,
                                               .names = (const char *const *)names->pdata,
                                               .details = (const char *const *)details->pdata,
                                               .n_names = names->len });
}

/* ---- Table ---- */

static const char *
kind_title (EngRoundKind kind)
{
  switch (kind)
    {
    case ENG_ROUND_SPECULATIVE:
      return _ ("drafted");
    case ENG_ROUND_NO_DRAFT:
      return _ ("plain: nothing to draft");
    case ENG_ROUND_BESIDE:
      return _ ("plain: to know its cost");
    case ENG_ROUND_FALLBACK:
      return _ ("plain: drafting is slower");
    case ENG_ROUND_PROBE:
      return _ ("drafted: to see whether it still is slower");
    default:
      return "";
    }
}

/* Compared with the model's choice, and not it. */
static guint
count_rejected (EngSpeculation *speculation, guint round)
{
  const EngDraft *drafts = eng_speculation_get_drafts (speculation, round);
  guint n = 0;

  for (guint i = 0; i < eng_speculation_get_round (speculation, round)->n_drafted; i++)
    n += drafts[i].tested && !drafts[i].accepted;
  return n;
}

/* In one line. */
static char *
dup_emitted (EngSpeculation *speculation, const char *text, const EngRound *round)
{
  guint start = eng_speculation_get_text_start (speculation, round->first_token);
  guint end = eng_speculation_get_text_start (speculation, round->first_token + round->n_emitted);
  gsize length = strlen (text);
  g_autofree char *piece = NULL;
  g_auto (GStrv) lines = NULL;

  if (end <= start || end > length)
    return g_strdup ("");
  piece = g_strndup (text + start, end - start);
  lines = g_strsplit (piece, "\n", -1);
  return g_strjoinv ("↵", lines);
}

PlotTable *
app_speculation_make_table (EngSpeculation *speculation, const char *text)
{
  PlotTable *table = plot_table_new (_ ("Speculation"));
  guint emitted_text = plot_table_add_column (table, _ ("text"), NULL);
  guint round_column = plot_table_add_column (table, _ ("round"), &PLOT_UNIT_COUNT);
  guint drafted = plot_table_add_column (table, _ ("drafted"), &PLOT_UNIT_COUNT);
  guint accepted = plot_table_add_column (table, _ ("accepted"), &PLOT_UNIT_COUNT);
  guint rejected = plot_table_add_column (table, _ ("rejected"), &PLOT_UNIT_COUNT);
  guint emitted = plot_table_add_column (table, _ ("tokens"), &PLOT_UNIT_COUNT);
  guint length = plot_table_add_column (table, _ ("draft length"), &PLOT_UNIT_COUNT);
  guint draft_ns = plot_table_add_column (table, _ ("drafting"), &PLOT_UNIT_NS);
  guint verify_ns = plot_table_add_column (table, _ ("verifying"), &PLOT_UNIT_NS);
  guint kind = plot_table_add_column (table, _ ("kind"), NULL);

  for (guint i = 0; i < eng_speculation_get_n_rounds (speculation); i++)
    {
      const EngRound *round = eng_speculation_get_round (speculation, i);
      guint row = plot_table_add_row (table);
      g_autofree char *words = dup_emitted (speculation, text, round);

      plot_table_set_number (table, row, round_column, i + 1);
      plot_table_set_text (table, row, kind, eng_round_kind_name (round->kind));
      plot_table_set_number (table, row, length, round->draft_length);
      plot_table_set_number (table, row, drafted, round->n_drafted);
      plot_table_set_number (table, row, accepted, round->n_accepted);
      plot_table_set_number (table, row, rejected, count_rejected (speculation, i));
      plot_table_set_number (table, row, emitted, round->n_emitted);
      plot_table_set_number (table, row, draft_ns, round->draft_ns);
      plot_table_set_number (table, row, verify_ns, round->verify_ns);
      plot_table_set_text (table, row, emitted_text, words);
    }
  return table;
}

/* ---- Break-even ---- */

gboolean
app_speculation_get_point (EngSpeculation *speculation, double *acceptance, double *cost_ratio)
{
  *acceptance = 100.0 * eng_speculation_get_alpha (speculation);
  *cost_ratio = eng_speculation_get_cost_ratio (speculation);
  return isfinite (*acceptance) && isfinite (*cost_ratio);
}

guint
app_speculation_get_max_length (EngSpeculation *speculation)
{
  guint n;
  const EngVerifyCost *costs = eng_speculation_get_verify_costs (speculation, &n);

  if (n == 0 || costs[0].n_tokens != 1)
    return 0; /* without a plain step there is nothing to compare with */
  return MIN (costs[n - 1].n_tokens - 1, RT_SPECULATE_MAX);
}

double
app_speculation_speedup (EngSpeculation *speculation, guint length, double acceptance,
                         double cost_ratio)
{
  double verify = eng_speculation_get_verify_ratio (speculation, length + 1.0);

  if (!isfinite (verify) || acceptance < 0.0 || acceptance > 100.0 || cost_ratio < 0.0)
    return NAN;
  return rt_speculate_speedup (acceptance / 100.0, length, cost_ratio, verify);
}

/* ---- Text ---- */

static void
marked_clear (gpointer data)
{
  g_free (((AppMarked *)data)->text);
}

/* Neighbours of the same kind are one piece. */
static void
add_piece (GArray *pieces, AppMark mark, int round, const char *text, gsize length)
{
  AppMarked *last = pieces->len > 0 ? &g_array_index (pieces, AppMarked, pieces->len - 1) : NULL;
  g_autofree char *copy = g_strndup (text, length);

  if (last != NULL && last->mark == mark && last->round == round)
    {
      char *joined = g_strconcat (last->text, copy, NULL);

      g_free (last->text);
      last->text = joined;
      last->n_tokens++;
      return;
    }
  AppMarked piece = { mark, round, 1, g_steal_pointer (&copy) };
  g_array_append_val (pieces, piece);
}

static void
add_token (GArray *pieces, EngSpeculation *speculation, const char *text, AppMark mark, int round,
           guint token)
{
  gsize length = strlen (text);
  gsize start = MIN (eng_speculation_get_text_start (speculation, token), length);
  gsize end = MIN (eng_speculation_get_text_start (speculation, token + 1), length);

  add_piece (pieces, mark, round, text + start, end > start ? end - start : 0);
}

static void
add_rejected (GArray *pieces, EngSpeculation *speculation, guint round, gboolean tested)
{
  const EngDraft *drafts = eng_speculation_get_drafts (speculation, round);

  for (guint i = 0; i < eng_speculation_get_round (speculation, round)->n_drafted; i++)
    if (!drafts[i].accepted && drafts[i].tested == tested)
      {
        const char *piece = eng_speculation_get_piece (speculation, drafts[i].token);

        add_piece (pieces, tested ? APP_MARK_REJECTED : APP_MARK_UNTESTED, (int)round, piece,
                   strlen (piece));
      }
}

GArray *
app_speculation_make_text (EngSpeculation *speculation, const char *text)
{
  GArray *pieces = g_array_new (FALSE, FALSE, sizeof (AppMarked));
  guint n_tokens, at = 0;

  g_array_set_clear_func (pieces, marked_clear);
  eng_speculation_get_tokens (speculation, &n_tokens);
  for (guint r = 0; r < eng_speculation_get_n_rounds (speculation); r++)
    {
      const EngRound *round = eng_speculation_get_round (speculation, r);
      guint n_accepted = MIN (round->n_accepted, round->n_emitted);

      for (; at < round->first_token && at < n_tokens; at++)
        add_token (pieces, speculation, text, APP_MARK_OWN, (int)r - 1, at);
      for (guint i = 0; i < n_accepted && at < n_tokens; i++)
        add_token (pieces, speculation, text, APP_MARK_ACCEPTED, (int)r, at++);
      add_rejected (pieces, speculation, r, TRUE);
      add_rejected (pieces, speculation, r, FALSE);
      for (guint i = n_accepted; i < round->n_emitted && at < n_tokens; i++)
        add_token (pieces, speculation, text, APP_MARK_OWN, (int)r, at++);
    }
  for (; at < n_tokens; at++)
    add_token (pieces, speculation, text, APP_MARK_OWN, -1, at);
  return pieces;
}

/* ---- Words ---- */

char *
app_speculation_dup_sentence (EngSpeculation *speculation)
{
  const EngSpeculationSetup *setup = eng_speculation_get_setup (speculation);
  EngSpeculationTotals totals;
  double share;

  eng_speculation_get_totals (speculation, &totals);
  if (totals.n_drafted == 0)
    return g_strdup_printf (
        _ ("%s (%s) drafted nothing: all %u tokens came from plain steps."),
        eng_draft_source_title (setup->source), setup->drafter, totals.n_emitted);
  share = totals.n_emitted > 0 ? 100.0 * totals.n_accepted / totals.n_emitted : 0.0;
  return g_strdup_printf (_ ("%s (%s): %u of %u tokens of the text were drafted (%.0f\u202f%%), %u "
                             "more in vain; %u of %u "
                             "rounds drafted."),
                          eng_draft_source_title (setup->source), setup->drafter, totals.n_accepted,
                          totals.n_emitted, share, totals.n_drafted - totals.n_accepted,
                          totals.n_drafting, totals.n_rounds);
}

char *
app_speculation_dup_round (EngSpeculation *speculation, guint index)
{
  const EngRound *round = eng_speculation_get_round (speculation, index);
  g_autoptr (GString) text = g_string_new (NULL);
  double ns = round->draft_ns + round->verify_ns + round->choose_ns;

  g_string_append_printf (text, _ ("Round %u, %s"), index + 1, kind_title (round->kind));
  if (round->n_drafted > 0)
    {
      guint n_rejected = count_rejected (speculation, index);

      g_string_append_printf (text, _ (": %u drafted, %u accepted, %u rejected"), round->n_drafted,
                              round->n_accepted, n_rejected);
      if (round->n_drafted > round->n_accepted + n_rejected)
        g_string_append_printf (text, _ (", %u not compared"),
                                round->n_drafted - round->n_accepted - n_rejected);
    }
  g_string_append_printf (text, ngettext ("; %u token", "; %u tokens", round->n_emitted),
                          round->n_emitted);
  if (isfinite (ns))
    {
      g_autofree char *time = eng_format_value (1e-6 * ns, "ms");

      g_string_append_printf (text, _ (" in %s"), time);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

char *
app_speculation_dup_identity (EngSpeculation *speculation, int *verdict)
{
  guint n_compared, n_differing;

  eng_speculation_get_checked (speculation, &n_compared, &n_differing);
  *verdict = 0;
  if (n_compared == 0)
    return g_strdup (eng_speculation_get_setup (speculation)->sampled
                         ? _ ("Sampled: the distribution is kept, not the very tokens")
                         : _ ("Not compared with plain decoding"));
  if (n_differing == 0)
    {
      *verdict = 1;
      return g_strdup_printf (ngettext ("Identical to plain decoding: %u token compared",
                                        "Identical to plain decoding: %u tokens compared",
                                        n_compared),
                              n_compared);
    }
  *verdict = -1;
  return g_strdup_printf (_ ("%u of %u tokens differ from plain decoding"), n_differing,
                          n_compared);
}
