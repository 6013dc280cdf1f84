# The two-population, two-stage enrichment design of rpact's manual by rpact's own simulation: prevalence 0.4 of the
# positives, 150 and 300 events, Simes, inverse normal, O'Brien-Fleming-type spending, one-sided 0.025.
# Usage: Rscript tests/reference/enrichment_reference.R [ITERATIONS]
# Writes enrichment_reference.json beside this script: versions, settings and what each case yields.
suppressMessages(library(rpact))

args <- commandArgs(trailingOnly = FALSE)
here <- dirname(sub("^--file=", "", grep("^--file=", args, value = TRUE)))
given <- commandArgs(trailingOnly = TRUE)
iterations <- if (length(given)) as.integer(given[1]) else 20000L

design <- getDesignInverseNormal(kMax = 2, alpha = 0.025, informationRates = c(0.5, 1), typeOfDesign = "asOF")
cases <- list(
  list(name = "null", ratios = c(1, 1), rule = "best", measure = "testStatistic", epsilon = NA_real_),
  list(name = "positives alone, best by z", ratios = c(0.6, 1), rule = "best", measure = "testStatistic", epsilon = NA_real_),
  list(name = "positives alone, best by effect", ratios = c(0.6, 1), rule = "best", measure = "effectEstimate", epsilon = NA_real_),
  list(name = "both, best by z", ratios = c(0.7, 0.8), rule = "best", measure = "testStatistic", epsilon = NA_real_),
  list(name = "both, epsilon", ratios = c(0.7, 0.8), rule = "epsilon", measure = "testStatistic", epsilon = 0.5),
  list(name = "positives alone, epsilon", ratios = c(0.65, 1), rule = "epsilon", measure = "testStatistic", epsilon = 0.5)
)

number <- function(x) ifelse(is.finite(x), sprintf("%.17g", x), "null")
vector_json <- function(x) paste0("[", paste(number(as.numeric(x)), collapse = ", "), "]")

run <- function(case) {
  effects <- list(subGroups = c("S", "R"), prevalences = c(0.4, 0.6), hazardRatios = matrix(case$ratios, nrow = 1))
  started <- proc.time()
  found <- getSimulationEnrichmentSurvival(design,
    effectList = effects, intersectionTest = "Simes", directionUpper = FALSE, typeOfSelection = case$rule,
    effectMeasure = case$measure, epsilonValue = case$epsilon, successCriterion = "all",
    plannedEvents = c(150, 300), maxNumberOfIterations = iterations, seed = 20261120
  )
  seconds <- (proc.time() - started)[["elapsed"]]
  fields <- list(
    hazard_ratios = case$ratios, epsilon = case$epsilon, seconds = seconds,
    at_least_one = found$rejectAtLeastOne,
    # stage fastest, then population: positives first, then all
    rejected = as.vector(found$rejectedPopulationsPerStage), selected = as.vector(found$selectedPopulations),
    futility_stop = found$futilityStop, early_stop = as.vector(found$earlyStop), expected_events = found$expectedNumberOfEvents
  )
  inner <- paste0('"', names(fields), '": ', sapply(fields, vector_json))
  paste0('    "', case$name, '": {"rule": "', case$rule, '", "measure": "', case$measure, '", ', paste(inner, collapse = ", "), "}")
}

body <- sapply(cases, run)
writeLines(c(
  "{",
  paste0('  "versions": {"R": "', getRversion(), '", "rpact": "', packageVersion("rpact"), '"},'),
  paste0('  "iterations": ', iterations, ","),
  paste0('  "critical_values": ', vector_json(design$criticalValues), ","),
  '  "cases": {',
  paste(body, collapse = ",\n"),
  "  }", "}"
), file.path(here, "enrichment_reference.json"))
