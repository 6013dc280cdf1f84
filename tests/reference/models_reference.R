# Numbers of R survival for tests/models: Cox, Weibull, log-logistic and piecewise exponential (Poisson) models.
#
#     Rscript tests/reference/models_reference.R DIR
#
# DIR holds gbsg.csv, rotterdam.csv and cancer.csv of R survival (the lung cohort). Writes models_reference.json beside
# this script.
library(survival)
folder <- commandArgs(trailingOnly = TRUE)[1]
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))

number <- function(x) ifelse(is.finite(x), sprintf("%.17g", x), "null")
vector_json <- function(x) paste0("[", paste(number(as.numeric(x)), collapse = ", "), "]")

read <- function(name) read.csv(file.path(folder, paste0(name, ".csv")))
gbsg <- transform(read("gbsg"), time = rfstime, event = status, stratum = grade)
rotterdam <- transform(read("rotterdam"), time = rtime, event = pmax(recur, death), stratum = size)
lung <- na.omit(transform(read("cancer"), event = status == 2, stratum = sex)[c("time", "event", "age", "sex", "ph.ecog", "ph.karno", "stratum")])
cohorts <- list(
  gbsg = list(gbsg, ~ age + size + nodes + pgr + er + hormon),
  rotterdam = list(rotterdam, ~ age + meno + grade + nodes + pgr + er + hormon + chemo),
  lung = list(lung, ~ age + sex + ph.ecog + ph.karno)
)
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 100)
strict <- survreg.control(rel.tolerance = 1e-14, maxiter = 200)

survival_at <- function(fit, new, at) t(sapply(seq_len(nrow(new)), function(i)
  summary(survfit(fit, newdata = new[i, , drop = FALSE]), times = at, extend = TRUE)$surv))

cox_values <- function(out, name, formula, d, at, ...) {
  environment(formula) <- environment()  # survfit looks for the data there
  fit <- coxph(formula, d, control = tight, x = TRUE, ...)
  new <- d[1:5, ]
  out[[name]] <- c(coef(fit), sqrt(diag(vcov(fit))))
  out[[paste0(name, "_lp")]] <- as.matrix(new[names(coef(fit))]) %*% coef(fit)
  out[[paste0(name, "_survival")]] <- survival_at(fit, new, at)
  out[[paste0(name, "_median")]] <- sapply(1:5, function(i) quantile(survfit(fit, newdata = new[i, ]), 0.5)$quantile)
  out[[paste0(name, "_concordance")]] <- fit$concordance["concordance"]
  out
}

values_of <- function(d, rhs) {
  at <- quantile(d$time, c(0.2, 0.5, 0.7), type = 1)
  out <- list(at = at)
  plain <- update(rhs, Surv(time, event) ~ .)
  environment(plain) <- environment()
  out <- cox_values(out, "cox", plain, d, at)
  out <- cox_values(out, "breslow", plain, d, at, ties = "breslow")
  fit <- coxph(update(plain, . ~ . + strata(stratum)), d, control = tight)
  out$strata <- c(coef(fit), sqrt(diag(vcov(fit))))
  base <- basehaz(coxph(plain, d, control = tight), centered = FALSE)
  keep <- unique(round(seq(1, nrow(base), length.out = 10)))
  out$baseline_time <- base$time[keep]
  out$baseline <- base$hazard[keep]
  for (family in c("weibull", "loglogistic")) {
    fit <- survreg(plain, d, dist = family, control = strict)
    out[[family]] <- c(coef(fit), log(fit$scale), sqrt(diag(vcov(fit))), fit$loglik[2])
    out[[paste0(family, "_median")]] <- predict(fit, d[1:5, ], type = "quantile", p = 0.5)
  }
  cuts <- quantile(d$time[d$event == 1], c(0.25, 0.5, 0.75), type = 1)
  long <- survSplit(update(plain, . ~ .), d, cut = cuts, episode = "interval")
  long$exposure <- long$time - long$tstart
  fit <- glm(update(rhs, event ~ factor(interval) - 1 + . + offset(log(exposure))), poisson, long,
             control = glm.control(epsilon = 1e-15, maxit = 100))
  fit <- update(fit, start = coef(fit))  # errors rest on the weights of the step before the last
  out$cuts <- cuts
  out$piecewise <- c(coef(fit), sqrt(diag(vcov(fit))))
  out
}

blocks <- character()
for (name in names(cohorts)) {
  values <- values_of(cohorts[[name]][[1]], cohorts[[name]][[2]])
  lines <- sprintf("      \"%s\": %s", names(values), vapply(values, function(v) vector_json(t(v)), ""))
  blocks <- c(blocks, sprintf("    \"%s\": {\n%s\n    }", name, paste(lines, collapse = ",\n")))
}
json <- sprintf("{\n  \"versions\": {\"R\": \"%s\", \"survival\": \"%s\"},\n  \"values\": {\n%s\n  }\n}",
  getRversion(), packageVersion("survival"), paste(blocks, collapse = ",\n"))
writeLines(json, file.path(here, "models_reference.json"))
