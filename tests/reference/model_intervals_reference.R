# Limits of predicted survival by R survival for tests/models: Cox (Efron, Breslow, strata), Weibull, log-logistic and
# piecewise exponential models; log-log limits at 95 %.
#
#     Rscript tests/reference/model_intervals_reference.R DIR
#
# DIR holds gbsg.csv, rotterdam.csv and cancer.csv of R survival (the lung cohort). Writes
# model_intervals_reference.json beside this script.
library(survival)
folder <- commandArgs(trailingOnly = TRUE)[1]
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))

number <- function(x) ifelse(is.finite(x), sprintf("%.17g", x), "null")
vector_json <- function(x) paste0("[", paste(number(as.numeric(x)), collapse = ", "), "]")

read <- function(name) read.csv(file.path(folder, paste0(name, ".csv")))
gbsg <- transform(read("gbsg"), time = rfstime, event = status, stratum = grade)
rotterdam <- transform(read("rotterdam"), time = rtime, event = pmax(recur, death), stratum = size)
lung <- na.omit(transform(read("cancer"), event = status == 2, stratum = sex)[c("time", "event", "age", "ph.ecog", "ph.karno", "stratum")])
cohorts <- list(
  gbsg = list(gbsg, ~ age + size + nodes + pgr + er + hormon),
  rotterdam = list(rotterdam, ~ age + meno + grade + nodes + pgr + er + hormon + chemo),
  lung = list(lung, ~ age + ph.ecog + ph.karno)
)
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 100)
strict <- survreg.control(rel.tolerance = 1e-14, maxiter = 200)
z <- qnorm(0.975)

# lower and upper of each patient at each time, patient by patient
cox_limits <- function(formula, d, at, ...) {
  environment(formula) <- environment()
  fit <- coxph(formula, d, control = tight, x = TRUE, ...)
  sapply(1:5, function(i) {
    s <- summary(survfit(fit, newdata = d[i, ], conf.type = "log-log"), times = at, extend = TRUE)
    c(rbind(s$lower, s$upper))
  })
}

# the error of a quantile on the log scale, which predict() gives, over the scale is that of the standardized log time
aft_limits <- function(formula, d, at, family) {
  environment(formula) <- environment()
  fit <- survreg(formula, d, dist = family, control = strict)
  sapply(1:5, function(i) {
    standard <- (log(at) - predict(fit, d[i, ], type = "lp")) / fit$scale
    p <- if (family == "weibull") 1 - exp(-exp(standard)) else plogis(standard)
    error <- predict(fit, d[i, ], type = "uquantile", p = p, se.fit = TRUE)$se.fit / fit$scale
    hazard <- if (family == "weibull") exp(standard) else log1p(exp(standard))
    slope <- if (family == "weibull") 1 else p / hazard
    c(rbind(exp(-hazard * exp(z * slope * error)), exp(-hazard * exp(-z * slope * error))))
  })
}

piecewise_limits <- function(rhs, d, at, cuts) {
  long <- survSplit(update(rhs, Surv(time, event) ~ .), d, cut = cuts, episode = "interval")
  long$exposure <- long$time - long$tstart
  fit <- glm(update(rhs, event ~ factor(interval) - 1 + . + offset(log(exposure))), poisson, long,
             control = glm.control(epsilon = 1e-15, maxit = 100))
  fit <- update(fit, start = coef(fit))
  widths <- function(t) pmax(pmin(t, c(cuts, Inf)) - c(0, cuts), 0)
  log_hazard <- function(b, x, t) log(sum(widths(t) * exp(b[seq_len(length(cuts) + 1)]))) + sum(b[-seq_len(length(cuts) + 1)] * x)
  sapply(1:5, function(i) {
    x <- as.numeric(d[i, all.vars(rhs)])
    c(sapply(at, function(t) {
      b <- coef(fit)
      step <- 1e-6 * pmax(abs(b), 1e-4)
      slope <- sapply(seq_along(b), function(j) {
        e <- replace(numeric(length(b)), j, step[j])
        (log_hazard(b + e, x, t) - log_hazard(b - e, x, t)) / (2 * step[j])
      })
      error <- sqrt(drop(slope %*% vcov(fit) %*% slope))
      exp(-exp(log_hazard(b, x, t) + c(1, -1) * z * error))
    }))
  })
}

values_of <- function(d, rhs) {
  at <- quantile(d$time, c(0.2, 0.5, 0.7), type = 1)
  plain <- update(rhs, Surv(time, event) ~ .)
  cuts <- quantile(d$time[d$event == 1], c(0.25, 0.5, 0.75), type = 1)
  list(
    at = at, cuts = cuts,
    cox = cox_limits(plain, d, at),
    breslow = cox_limits(plain, d, at, ties = "breslow"),
    strata = cox_limits(update(plain, . ~ . + strata(stratum)), d, at),
    weibull = aft_limits(plain, d, at, "weibull"),
    loglogistic = aft_limits(plain, d, at, "loglogistic"),
    piecewise = piecewise_limits(rhs, d, at, cuts)
  )
}

blocks <- character()
for (name in names(cohorts)) {
  values <- values_of(cohorts[[name]][[1]], cohorts[[name]][[2]])
  lines <- sprintf("      \"%s\": %s", names(values), vapply(values, vector_json, ""))
  blocks <- c(blocks, sprintf("    \"%s\": {\n%s\n    }", name, paste(lines, collapse = ",\n")))
}
json <- sprintf("{\n  \"versions\": {\"R\": \"%s\", \"survival\": \"%s\"},\n  \"values\": {\n%s\n  }\n}",
  getRversion(), packageVersion("survival"), paste(blocks, collapse = ",\n"))
writeLines(json, file.path(here, "model_intervals_reference.json"))
