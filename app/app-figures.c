/* The lists of figures. Called by the headline, the comparison and the history; no widgets. */
#include "app-figures.h"

#include "app-config.h"

#include <glib/gi18n.h>

static const AppFigureInfo language_headline[] = {
  { ENG_FIGURE_DECODE, N_ ("Decode speed"), TRUE, FALSE,
    N_ ("Text written per second, in clean passes") },
  { ENG_FIGURE_FIRST_TOKEN, N_ ("Time to first token"), TRUE, FALSE,
    N_ ("From the prompt to the first token written") },
  { ENG_FIGURE_PEAK_MEMORY, N_ ("Peak memory"), TRUE, FALSE,
    N_ ("Packed weights, activations, working memory and key-value cache of this build") },
  { ENG_FIGURE_TOKEN_ENERGY, N_ ("Energy, measured"), FALSE, TRUE,
    N_ ("Joules of one decoded token, by the power meter, over clean passes") },
  { ENG_FIGURE_TOKEN_ENERGY_MODEL, N_ ("Energy, modelled"), FALSE, TRUE,
    N_ ("Joules of one decoded token, from a cost model of arithmetic and data movement: no sensor "
        "measured it, and static power is not in it"),
    ENG_FIGURE_TOKEN_ENERGY },
  { ENG_FIGURE_PERPLEXITY, N_ ("Perplexity"), FALSE, TRUE,
    N_ ("Between how many equally likely tokens the model hesitates, on the texts that this build "
        "was last evaluated on") },
  { ENG_FIGURE_CHOICE_ACCURACY, N_ ("Right answers"), FALSE, TRUE,
    N_ ("Multiple-choice questions answered rightly, of the set that this build was last evaluated "
        "on") },
};

static const AppFigureInfo network_headline[] = {
  { ENG_FIGURE_INFERENCE, N_ ("Latency"), TRUE, FALSE,
    N_ ("One input from the prepared file to the result that is read out: median of clean "
        "inferences") },
  { ENG_FIGURE_INFERENCES, N_ ("Inferences"), FALSE, FALSE,
    N_ ("One after the other, as fast as it goes: one over the latency") },
  { ENG_FIGURE_SURROUNDINGS, N_ ("Pre + post"), TRUE, FALSE,
    N_ ("Pre-processing (resizing, normalising) and post-processing (reading results out): their "
        "share of the latency") },
  { ENG_FIGURE_PEAK_MEMORY, N_ ("Peak memory"), TRUE, FALSE,
    N_ ("Packed weights, activations and working memory of this build") },
  { ENG_FIGURE_ACCURACY, N_ ("Accuracy"), FALSE, TRUE,
    N_ ("Samples of a labelled set whose best class is the label; the set is the one that this "
        "build was last evaluated on") },
  { ENG_FIGURE_MEAN_PRECISION, N_ ("Precision"), FALSE, TRUE,
    N_ ("Mean average precision over classes and overlaps, on the pictures that this build was "
        "last "
        "evaluated on") },
  { ENG_FIGURE_LANDMARK_ERROR, N_ ("Landmark error"), FALSE, TRUE,
    N_ ("Mean distance of the points from where they are, over the size of what they lie on, on "
        "the "
        "pictures that this build was last evaluated on") },
  { ENG_FIGURE_MEAN_IOU, N_ ("Mean IoU"), FALSE, TRUE,
    N_ ("Intersection over union, mean over classes, on the pictures that this build was last "
        "evaluated on") },
  { ENG_FIGURE_SOUND_SNR, N_ ("Signal to noise"), FALSE, TRUE,
    N_ ("Against the clean sounds of the set that this build was last evaluated on") },
  { ENG_FIGURE_OUTPUT_AGREEMENT, N_ ("Same result"), FALSE, TRUE,
    N_ ("Inputs with the result of the network as in its file, of the set that this build was last "
        "evaluated on"),
    ENG_FIGURE_ACCURACY },
  { ENG_FIGURE_LATE, N_ ("Late"), FALSE, TRUE,
    N_ ("Inputs that began a period or more after their time, of those run at this rate") },
  { ENG_FIGURE_INFERENCE_ENERGY, N_ ("Energy, measured"), FALSE, TRUE,
    N_ ("Joules of one inference, by the power meter, over clean passes") },
  { ENG_FIGURE_INFERENCE_ENERGY_MODEL, N_ ("Energy, modelled"), FALSE, TRUE,
    N_ ("Joules of one inference, from a cost model of arithmetic and data movement: no sensor "
        "measured it, and static power is not in it"),
    ENG_FIGURE_INFERENCE_ENERGY },
};

static const AppFigureInfo language_compare[] = {
  { ENG_FIGURE_DECODE, N_ ("Decode speed"), TRUE, FALSE,
    N_ ("Text written per second, in clean passes") },
  { ENG_FIGURE_PREFILL, N_ ("Prefill speed"), FALSE, FALSE,
    N_ ("Prompt read per second, in clean passes") },
  { ENG_FIGURE_FIRST_TOKEN, N_ ("Time to first token"), TRUE, FALSE,
    N_ ("From the prompt to the first token written") },
  { ENG_FIGURE_PEAK_MEMORY, N_ ("Peak memory"), TRUE, FALSE,
    N_ ("Packed weights, activations, working memory and key-value cache of this build") },
  { ENG_FIGURE_PERPLEXITY, N_ ("Perplexity"), FALSE, FALSE,
    N_ ("Between how many equally likely tokens the model hesitates, on the newest texts that both "
        "builds were evaluated on") },
};

static const AppFigureInfo network_compare[] = {
  { ENG_FIGURE_INFERENCE, N_ ("Latency"), TRUE, FALSE,
    N_ ("One input from the prepared file to the result that is read out: median of clean "
        "inferences") },
  { ENG_FIGURE_NETWORK, N_ ("Network alone"), FALSE, FALSE,
    N_ ("The operators of the network itself, without what is done before and after it") },
  { ENG_FIGURE_SURROUNDINGS, N_ ("Pre + post"), TRUE, FALSE,
    N_ ("Pre-processing (resizing, normalising) and post-processing (reading results out): their "
        "share of the latency") },
  { ENG_FIGURE_PEAK_MEMORY, N_ ("Peak memory"), TRUE, FALSE,
    N_ ("Packed weights, activations and working memory of this build") },
  { ENG_FIGURE_ACCURACY, N_ ("Accuracy"), TRUE, FALSE,
    N_ ("Samples of a labelled set whose best class is the label, of the newest set that both "
        "builds were evaluated on") },
};

const AppFigureInfo *
app_figures_headline (EngModelKind kind, guint *n)
{
  *n = kind == ENG_MODEL_NETWORK ? G_N_ELEMENTS (network_headline)
                                 : G_N_ELEMENTS (language_headline);
  return kind == ENG_MODEL_NETWORK ? network_headline : language_headline;
}

const AppFigureInfo *
app_figures_compare (EngModelKind kind, guint *n)
{
  *n = kind == ENG_MODEL_NETWORK ? G_N_ELEMENTS (network_compare) : G_N_ELEMENTS (language_compare);
  return kind == ENG_MODEL_NETWORK ? network_compare : language_compare;
}

EngWorkloadKind
app_figures_workload_kind (EngModelKind kind)
{
  return kind == ENG_MODEL_NETWORK ? ENG_WORKLOAD_INPUT : ENG_WORKLOAD_TEXT;
}

gboolean
app_figures_is_static (EngFigureId id)
{
  return id == ENG_FIGURE_PEAK_MEMORY || eng_figure_id_is_accuracy (id)
         || id == ENG_FIGURE_TOKEN_ENERGY_MODEL || id == ENG_FIGURE_INFERENCE_ENERGY_MODEL;
}
