# Numbers of R on gbsg and lung of the survival package: multivariable Cox models, weighted curves, g-formula.
# Usage: Rscript tests/reference/adjusted_reference.R
# Writes adjusted_reference.json beside this script: versions, the data used, and the numbers.
suppressMessages({library(survival); library(nnet)})

args <- commandArgs(trailingOnly = FALSE)
here <- dirname(sub("^--file=", "", grep("^--file=", args, value = TRUE)))
number <- function(x) ifelse(is.finite(x), sprintf("%.17g", x), "null")
json <- function(x) {
  if (is.list(x)) return(paste0("{", paste0("\"", names(x), "\": ", sapply(x, json), collapse = ",\n"), "}"))
  if (is.character(x)) return(paste0("[", paste0("\"", x, "\"", collapse = ", "), "]"))
  paste0("[", paste(number(as.numeric(x)), collapse = ", "), "]")
}
control <- coxph.control(eps = 1e-14, iter.max = 100, toler.chol = 1e-15)

cox_numbers <- function(fit, smaller, terms) {
  zph <- cox.zph(fit, transform = "km", terms = TRUE)$table
  list(coef = coef(fit), std_error = sqrt(diag(vcov(fit))), log_likelihood = fit$loglik,
       group_test = 2 * (fit$loglik[2] - smaller$loglik[2]), zph = zph[, "chisq"], zph_p = zph[, "p"])
}

# gbsg: hormone treatment, months
g <- gbsg
g$months <- g$rfstime / 30.4375
g$grade_code <- factor(g$grade)
times <- c(12, 36, 60)
full <- coxph(Surv(months, status) ~ hormon + age + meno + size + grade_code + nodes, g, control = control)
smaller <- coxph(Surv(months, status) ~ age + meno + size + grade_code + nodes, g, control = control)
out <- cox_numbers(full, smaller)
ps <- fitted(glm(hormon ~ age + meno + size + grade_code + nodes, binomial, g, control = list(epsilon = 1e-14, maxit = 100)))
share <- mean(g$hormon)
iptw <- ifelse(g$hormon == 1, share / ps, (1 - share) / (1 - ps))
overlap <- ifelse(g$hormon == 1, 1 - ps, ps)
tau <- 60
area <- function(fit, tau) {
  t <- c(0, fit$time[fit$time < tau], tau); s <- c(1, fit$surv[fit$time < tau])
  sum(diff(t) * s)
}
for (method in c("iptw", "overlap")) {
  w <- get(method)
  for (arm in 0:1) {
    d <- g[g$hormon == arm, ]; wa <- w[g$hormon == arm]
    fit <- survfit(Surv(months, status) ~ 1, d, weights = wa)
    out[[paste0(method, "_survival_", arm)]] <- summary(fit, times = times)$surv
    out[[paste0(method, "_area_", arm)]] <- area(fit, tau)
    out[[paste0(method, "_effective_", arm)]] <- sum(wa)^2 / sum(wa^2)
  }
}
out$propensity_range <- range(ps)
for (arm in 0:1) { # survival of every patient as if in that group, averaged: brute force
  curves <- survfit(full, newdata = transform(g, hormon = arm))
  out[[paste0("g_formula_survival_", arm)]] <- rowMeans(summary(curves, times = times)$surv)
  mean_curve <- list(time = curves$time, surv = rowMeans(curves$surv))
  out[[paste0("g_formula_area_", arm)]] <- area(mean_curve, tau)
}
multi <- multinom(grade_code ~ age + size + nodes, g, trace = FALSE, reltol = 1e-16, maxit = 2000)
out$multinomial_means <- c(fitted(multi)[c(1, 100, 400), ])

# lung: complete cases, sex by age, ECOG status as codes
l <- lung[!is.na(lung$ph.ecog) & lung$ph.ecog < 3, ]
l$months <- l$time / 30.4375
l$ecog <- factor(l$ph.ecog)
lung_fit <- coxph(Surv(months, status == 2) ~ I(sex == 2) + age + ecog, l, control = control)
lung_smaller <- coxph(Surv(months, status == 2) ~ age + ecog, l, control = control)
lung_out <- cox_numbers(lung_fit, lung_smaller)

# treatment by marker on gbsg: hormone treatment within and between progesterone receptor levels
g$high <- as.numeric(g$pgr >= 20)
both <- coxph(Surv(months, status) ~ hormon * high, g, control = control)
main <- coxph(Surv(months, status) ~ hormon + high, g, control = control)
both_c <- coxph(Surv(months, status) ~ hormon * pgr, g, control = control)
main_c <- coxph(Surv(months, status) ~ hormon + pgr, g, control = control)
within <- sapply(0:1, function(level) coef(coxph(Surv(months, status) ~ hormon, g[g$high == level, ], control = control)))
stratified <- coxph(Surv(months, status) ~ hormon + strata(high), g, control = control)
treatment <- list(within = within, overall = coef(stratified), interaction = coef(both)[3],
                  test = 2 * (both$loglik[2] - main$loglik[2]), product = coef(both_c)[3],
                  product_test = 2 * (both_c$loglik[2] - main_c$loglik[2]))

cat(json(list(versions = c(R = R.version.string, survival = as.character(packageVersion("survival")),
                           nnet = as.character(packageVersion("nnet"))),
  gbsg_data = list(rfstime = g$rfstime, status = g$status, hormon = g$hormon, age = g$age, meno = g$meno, size = g$size,
                   grade = g$grade, nodes = g$nodes, pgr = g$pgr),
  lung_data = list(time = lung$time, status = lung$status, sex = lung$sex, age = lung$age, ecog = lung$ph.ecog),
  gbsg = out, lung = lung_out, treatment = treatment)), "\n", file = file.path(here, "adjusted_reference.json"))
