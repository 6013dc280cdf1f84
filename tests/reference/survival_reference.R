# Numbers of R's survival, maxstat and cmprsk on the data sets of public_data.py.
# Usage: python tests/reference/public_data.py DIR && Rscript tests/reference/survival_reference.R DIR
# Writes survival_reference.json beside this script: versions, and a named list of numbers for each data set.
suppressMessages({library(survival); library(maxstat); library(cmprsk)})

args <- commandArgs(trailingOnly = FALSE)
here <- dirname(sub("^--file=", "", grep("^--file=", args, value = TRUE)))
folder <- tail(args, 1)

number <- function(x) ifelse(is.finite(x), sprintf("%.17g", x), "null")
vector_json <- function(x) paste0("[", paste(number(as.numeric(x)), collapse = ", "), "]")

rows_of <- function(n) unique(round(seq(1, n, length.out = 7)))  # places that are compared

curve <- function(out, name, formula, d, conf, ...) {
  fit <- do.call("survfit", list(formula, data = d, conf.type = conf, ...))
  s <- summary(fit, censored = TRUE)
  keep <- rows_of(length(s$time))
  out[[paste0(name, "_survival")]] <- s$surv[keep]
  out[[paste0(name, "_std_error")]] <- ifelse(s$surv[keep] > 0, s$std.err[keep], NA)
  out[[paste0(name, "_limits")]] <- ifelse(rep(s$surv[keep] %in% c(0, 1), 2), NA, c(s$lower[keep], s$upper[keep]))
  q <- quantile(fit, c(0.25, 0.5))
  out[[paste0(name, "_quantiles")]] <- c(q$quantile, q$lower, q$upper)
  out
}

control <- coxph.control(eps = 1e-14, iter.max = 100, toler.chol = 1e-15)
model <- function(d) paste(grep("^x", names(d), value = TRUE), collapse = " + ")

fit_cox <- function(out, name, formula, d, ...) {
  fit <- do.call("coxph", list(formula, data = d, control = control, ...))
  se <- if (is.null(fit$naive.var)) sqrt(diag(fit$var)) else sqrt(diag(fit$naive.var))
  out[[paste0(name, "_coef")]] <- coef(fit)
  out[[paste0(name, "_std_error")]] <- se
  if (!is.null(fit$naive.var)) out[[paste0(name, "_robust_std_error")]] <- sqrt(diag(fit$var))
  out[[paste0(name, "_tests")]] <- c(fit$loglik, fit$score, fit$wald.test)
  list(out = out, fit = fit)
}

residuals_of <- function(out, name, fit) {
  keep <- rows_of(fit$n)
  out[[paste0(name, "_martingale")]] <- unname(residuals(fit, "martingale"))[keep]
  out[[paste0(name, "_deviance")]] <- unname(residuals(fit, "deviance"))[keep]
  score <- as.matrix(residuals(fit, "score"))
  out[[paste0(name, "_score_residuals")]] <- c(t(score[keep, , drop = FALSE]))
  schoenfeld <- as.matrix(residuals(fit, "schoenfeld"))
  out[[paste0(name, "_schoenfeld_squares")]] <- colSums(schoenfeld^2)
  hazard <- basehaz(fit, centered = FALSE)$hazard
  out[[paste0(name, "_baseline")]] <- hazard[rows_of(length(hazard))]
  out
}

zph <- function(out, name, fit) {
  for (transform in c("km", "identity", "log", "rank")) {
    if (transform == "log" && any(fit$y[, ncol(fit$y) - 1] == 0)) next
    out[[paste0(name, "_zph_", transform)]] <- cox.zph(fit, transform = transform)$table[, 1]
  }
  out
}

agree <- function(formula, d, ...) {
  fit <- do.call("concordance", list(formula, data = d, reverse = TRUE, ...))
  count <- if (is.matrix(fit$count)) colSums(fit$count) else fit$count
  c(fit$concordance, sqrt(fit$var), count)
}

# MaxCombo of two groups: z of four Fleming-Harrington weights, and the normal probability by mvtnorm
maxcombo <- function(d) {
  time <- aeqSurv(Surv(d$time, d$event))[, 1]
  at <- sort(unique(time[d$event == 1]))
  n <- sapply(at, function(t) sum(time >= t))
  n2 <- sapply(at, function(t) sum(time >= t & d$group == 2))
  dead <- sapply(at, function(t) sum(time == t & d$event == 1))
  dead2 <- sapply(at, function(t) sum(time == t & d$event == 1 & d$group == 2))
  s <- c(1, cumprod(1 - dead / n))[seq_along(at)]
  w <- rbind(1, s, 1 - s, s * (1 - s))
  spread <- ifelse(n > 1, n2 / n * (1 - n2 / n) * dead * (n - dead) / (n - 1), 0)
  v <- w %*% (spread * t(w))
  z <- c(w %*% (dead2 - n2 / n * dead)) / sqrt(diag(v))
  top <- rep(max(abs(z)), 4)
  inside <- mvtnorm::pmvnorm(-top, top, corr = cov2cor(v), algorithm = mvtnorm::GenzBretz(maxpts = 2e7, abseps = 1e-8))
  c(z, 1 - inside)
}

values_of <- function(d) {
  out <- list()
  for (conf in c("plain", "log", "log-log", "logit", "arcsin")) out <- curve(out, paste0("km_", conf), Surv(time, event) ~ 1, d, conf)
  out <- curve(out, "km_whole_weights", Surv(time, event) ~ 1, d, "log", weights = d$whole_weight)
  out <- curve(out, "km_fractional_weights", Surv(time, event) ~ 1, d, "log", weights = d$weight)
  out <- curve(out, "km_entry", Surv(entry, time, event) ~ 1, d, "log-log")
  fit <- survfit(Surv(time, event) ~ 1, d)
  keep <- rows_of(length(fit$time))
  out$nelson_aalen <- c(fit$cumhaz[keep], fit$std.chaz[keep])
  q <- quantile(survfit(Surv(time, 1 - event) ~ 1, d, conf.type = "log-log"), 0.5)
  out$median_follow_up <- c(q$quantile, q$lower, q$upper)

  for (rho in c(0, 1, 0.5)) {
    test <- survdiff(Surv(time, event) ~ group, d, rho = rho)
    out[[paste0("logrank_", rho)]] <- c(test$chisq, test$obs, test$exp)
  }
  test <- survdiff(Surv(time, event) ~ group + strata(stratum), d)
  out$logrank_strata <- c(test$chisq, rowSums(as.matrix(test$obs)), rowSums(as.matrix(test$exp)))
  first <- coxph.control(iter.max = 0)
  few_ties <- nrow(d) < 300 && max(table(d$time[d$event == 1])) <= 8
  if (few_ties) {  # coxph(ties = "exact") takes hours on many ties
    out$logrank_entry <- coxph(Surv(entry, time, event) ~ factor(group), d, ties = "exact", control = first)$score
    out$logrank_trend <- coxph(Surv(time, event) ~ group, d, ties = "exact", control = first)$score
  }

  if (max(d$group) == 2) out$maxcombo <- maxcombo(d)

  rhs <- model(d)
  plain <- as.formula(paste("Surv(time, event) ~", rhs))
  for (ties in c("efron", "breslow")) {
    r <- fit_cox(out, paste0("cox_", ties), plain, d, ties = ties, model = TRUE)
    out <- zph(residuals_of(r$out, paste0("cox_", ties), r$fit), paste0("cox_", ties), r$fit)
  }
  if (few_ties) out <- fit_cox(out, "cox_exact", plain, d, ties = "exact")$out
  r <- fit_cox(out, "cox_strata", update(plain, . ~ . + strata(stratum)), d)
  out <- zph(r$out, "cox_strata", r$fit)
  r <- fit_cox(out, "cox_entry", as.formula(paste("Surv(entry, time, event) ~", rhs)), d)
  out <- residuals_of(r$out, "cox_entry", r$fit)
  r <- fit_cox(out, "cox_whole_weights", plain, d, weights = d$whole_weight)
  out <- residuals_of(r$out, "cox_whole_weights", r$fit)
  out <- fit_cox(out, "cox_fractional_weights", plain, d, weights = d$weight)$out
  out <- fit_cox(out, "cox_cluster", plain, d, cluster = d$stratum + 2 * (seq_len(nrow(d)) %% 10))$out

  out$concordance <- agree(Surv(time, event) ~ x1, d)
  out$concordance_strata <- agree(Surv(time, event) ~ x1 + strata(stratum), d)
  out$concordance_entry <- agree(Surv(entry, time, event) ~ x1, d)
  out$concordance_uno <- agree(Surv(time, event) ~ x1, d, timewt = "n/G2")
  out$concordance_uno_tau <- agree(Surv(time, event) ~ x1, d, timewt = "n/G2", ymax = median(d$time))

  tau <- min(tapply(d$time, d$group, max))
  mean_time <- summary(survfit(Surv(time, event) ~ group, d), rmean = tau)$table
  out$rmst <- c(mean_time[, "rmean"], mean_time[, "se(rmean)"])

  fit <- survfit(Surv(time, factor(cause, 0:2)) ~ 1, d)
  keep <- rows_of(length(fit$time))
  out$aalen_johansen <- c(fit$pstate[keep, 2], fit$pstate[keep, 3])
  out$aalen_johansen_std_error <- c(fit$std.err[keep, 2], fit$std.err[keep, 3])
  out$gray <- cuminc(d$time, d$cause, d$group)$Tests[, 1]
  out$gray_strata <- cuminc(d$time, d$cause, d$group, d$stratum)$Tests[, 1]
  out$gray_rho <- cuminc(d$time, d$cause, d$group, rho = 1)$Tests[, 1]
  x <- as.matrix(d[grep("^x", names(d))])
  fit <- crr(d$time, d$cause, scale(x), gtol = 1e-13, maxiter = 100)
  if (max(abs(fit$coef)) < 10) {  # crr prints a huge coefficient where the events are separated
    out$fine_gray <- c(fit$coef / apply(x, 2, sd), sqrt(diag(fit$var)) / apply(x, 2, sd))
    out$fine_gray_loglik <- c(fit$loglik, fit$loglik.null)
  }

  for (method in c("Lau92", "Lau94")) {
    test <- try(maxstat.test(Surv(time, event) ~ x1, d, smethod = "LogRank", pmethod = method), silent = TRUE)
    if (!inherits(test, "try-error")) out[[paste0("maxstat_", method)]] <- c(test$statistic, test$estimate, test$p.value)
  }
  set.seed(1)
  test <- try(maxstat.test(Surv(time, event) ~ x1, d, smethod = "LogRank", pmethod = "condMC", B = 20000), silent = TRUE)
  if (!inherits(test, "try-error")) out$maxstat_permutation <- test$p.value
  out
}

files <- sort(list.files(folder, "[.]csv$"))
blocks <- character()
for (file in files) {
  d <- read.csv(file.path(folder, file))
  values <- values_of(d)
  lines <- sprintf("      \"%s\": %s", names(values), vapply(values, vector_json, ""))
  blocks <- c(blocks, sprintf("    \"%s\": {\n%s\n    }", sub("[.]csv$", "", file), paste(lines, collapse = ",\n")))
}
versions <- c(R = as.character(getRversion()), sapply(c("survival", "maxstat", "cmprsk", "mvtnorm"), function(p) as.character(packageVersion(p))))
json <- sprintf(
  "{\n  \"versions\": {%s},\n  \"values\": {\n%s\n  }\n}",
  paste(sprintf("\"%s\": \"%s\"", names(versions), versions), collapse = ", "),
  paste(blocks, collapse = ",\n")
)
writeLines(json, file.path(here, "survival_reference.json"))
