# Likelihood-ratio tests and curves of restricted cubic splines in R's survival::coxph, the basis written out by hand
# (Harrell FE, Regression Modeling Strategies, 2nd edition, chapter 2) on knots at his quantiles.
# Usage: Rscript tests/reference/spline_reference.R
# Writes spline_reference.json beside this script: versions, the data that were used, and R's numbers.
suppressMessages(library(survival))

args <- commandArgs(trailingOnly = FALSE)
here <- dirname(sub("^--file=", "", grep("^--file=", args, value = TRUE)))

number <- function(x) ifelse(is.finite(x), sprintf("%.17g", x), "null")
vector_json <- function(x) paste0("[", paste(number(as.numeric(x)), collapse = ", "), "]")

quantiles <- list("4" = c(0.05, 0.35, 0.65, 0.95), "3" = c(0.10, 0.50, 0.90))
cube <- function(x) pmax(x, 0)^3
basis <- function(x, t) {
  k <- length(t)
  sapply(1:(k - 2), function(j) {
    (cube(x - t[j]) - cube(x - t[k - 1]) * (t[k] - t[j]) / (t[k] - t[k - 1]) +
      cube(x - t[k]) * (t[k - 1] - t[j]) / (t[k] - t[k - 1])) / (t[k] - t[1])^2
  })
}
control <- coxph.control(eps = 1e-14, iter.max = 100, toler.chol = 1e-15)

reference <- function(time, event, x) {
  knots <- quantile(x, quantiles[["4"]], names = FALSE)
  if (any(diff(knots) <= 0)) knots <- quantile(x, quantiles[["3"]], names = FALSE)
  line <- coxph(Surv(time, event) ~ x, control = control)
  b <- cbind(x, basis(x, knots))
  curve <- coxph(Surv(time, event) ~ b, control = control)
  at <- quantile(x, c(0.025, 0.25, 0.6, 0.975), names = FALSE)
  contrast <- cbind(at, basis(at, knots)) - rep(1, length(at)) %*% matrix(c(median(x), basis(median(x), knots)), nrow = 1)
  df <- length(knots) - 1
  overall <- 2 * diff(curve$loglik)
  nonlinear <- 2 * (curve$loglik[2] - line$loglik[2])
  list(
    time = time, event = event, marker = x, knots = knots,
    linear = c(2 * diff(line$loglik), pchisq(2 * diff(line$loglik), 1, lower.tail = FALSE)),
    overall = c(overall, pchisq(overall, df, lower.tail = FALSE)),
    nonlinear = c(nonlinear, pchisq(nonlinear, df - 1, lower.tail = FALSE)),
    per_unit = exp(c(coef(line), confint(line))),
    per_sd = exp(sd(x) * c(coef(line), confint(line))),
    at = at, log_hazard_ratio = contrast %*% coef(curve),
    std_error = sqrt(diag(contrast %*% vcov(curve) %*% t(contrast)))
  )
}

sets <- list(
  lung_age = with(lung, reference(time, status - 1, age)),
  veteran_karno = with(veteran, reference(time, status, karno)),
  gbsg_pgr = with(gbsg[gbsg$meno == 0, ], reference(rfstime, status, pgr)),
  # more than 35 % at the lowest value, so that only three knots differ
  gbsg_pgr_tied = with(gbsg[gbsg$meno == 0, ], reference(rfstime, status, pmax(pgr, 25)))
)
entry <- function(set) paste0(
  "{", paste(sprintf("\"%s\": %s", names(set), sapply(set, vector_json)), collapse = ",\n   "), "}"
)
text <- paste0(
  "{\"versions\": {\"R\": \"", R.version$major, ".", R.version$minor, "\", \"survival\": \"", packageVersion("survival"),
  "\"},\n \"values\": {\n  ", paste(sprintf("\"%s\": %s", names(sets), sapply(sets, entry)), collapse = ",\n  "), "\n }}\n"
)
writeLines(text, file.path(here, "spline_reference.json"), sep = "")
