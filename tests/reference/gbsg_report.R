# Numbers of a report on gbsg by hormone treatment, for tests/workflows/test_survival_report.py.
# Rscript gbsg_report.R gbsg.csv > gbsg_report.json
library(survival)
d <- read.csv(commandArgs(TRUE)[1])
d$months <- d$rfstime / 30.4375
s <- Surv(d$months, d$status)
fit <- survfit(s ~ hormon, d, conf.type = "log-log")
t <- summary(fit)$table
m <- coxph(s ~ hormon, d)
ci <- summary(m)$conf.int
test <- survdiff(s ~ hormon, d)
at <- summary(fit, times = c(12, 36, 60))
zph <- cox.zph(m)
cat(sprintf('{"R": "%s", "survival": "%s",\n "n": [%s], "events": [%s], "median": [%s],\n "hazard_ratio": [%.15g, %.15g, %.15g],\n "logrank": [%.15g, %.15g],\n "survival_at_12_36_60": [%s],\n "zph_chi2": %.15g}\n',
  R.version.string, packageVersion("survival"), paste(t[, "records"], collapse = ", "), paste(t[, "events"], collapse = ", "),
  paste(sprintf("%.15g", t[, "median"]), collapse = ", "), ci[1, 1], ci[1, 3], ci[1, 4], test$chisq, 1 - pchisq(test$chisq, 1),
  paste(sprintf("%.15g", at$surv), collapse = ", "), zph$table["hormon", "chisq"]))
