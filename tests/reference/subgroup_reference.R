# Interaction tests, hazard ratios within levels and standardized differences on R's veteran data.
# Usage: Rscript tests/reference/subgroup_reference.R
# Writes subgroup_reference.json beside this script: versions, the data, and the numbers.
suppressMessages(library(survival))
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(trailingOnly = FALSE), value = TRUE)))
number <- function(x) paste0("[", paste(ifelse(is.finite(x), sprintf("%.17g", x), "null"), collapse = ", "), "]")
words <- function(x) paste0("[", paste0('"', x, '"', collapse = ", "), "]")
v <- veteran
v$kps <- ifelse(v$karno < 50, "low", ifelse(v$karno < 70, "middle", "high"))
control <- coxph.control(eps = 1e-14, iter.max = 100, toler.chol = 1e-15)

interaction_of <- function(d, group, level) {
  d$g <- factor(d[[group]]); d$s <- factor(d[[level]])
  small <- coxph(Surv(time, status) ~ g + strata(s), d, control = control)
  large <- coxph(Surv(time, status) ~ g * strata(s), d, control = control)
  a <- anova(small, large)
  c(a$Chisq[2], a$Df[2], a[2, ncol(a)])
}
ratios_of <- function(d, level) {
  out <- c()
  for (l in sort(unique(as.character(d[[level]])))) {
    fit <- coxph(Surv(time, status) ~ I(trt == 2), d[d[[level]] == l, ], control = control)
    out <- c(out, exp(c(coef(fit), confint(fit))))
  }
  out
}
# Austin 2009, and Yang and Dalton 2012 for several categories, written out
smd_number <- function(x, g) abs(mean(x[g == 1]) - mean(x[g == 2])) / sqrt((var(x[g == 1]) + var(x[g == 2])) / 2)
smd_code <- function(x, g) {
  p <- prop.table(table(x[g == 1]))[-1]; q <- prop.table(table(x[g == 2]))[-1]
  s <- (diag(p, length(p)) - p %o% p + diag(q, length(q)) - q %o% q) / 2
  sqrt(drop(t(p - q) %*% solve(s) %*% (p - q)))
}
numbers <- list(
  interaction_trt_celltype = interaction_of(v, "trt", "celltype"),
  interaction_trt_prior = interaction_of(v, "trt", "prior"),
  interaction_celltype_trt = interaction_of(v, "celltype", "trt"),
  ratios_celltype = ratios_of(v, "celltype"),
  smd_age = smd_number(v$age, v$trt), smd_karno = smd_number(v$karno, v$trt),
  smd_celltype = smd_code(v$celltype, v$trt), smd_prior = smd_code(factor(v$prior), v$trt),
  quartiles_age = quantile(v$age[v$trt == 1], c(0.25, 0.5, 0.75)),
  mean_sd_age = c(mean(v$age[v$trt == 1]), sd(v$age[v$trt == 1]))
)
data <- list(time = number(v$time), event = number(v$status), trt = words(v$trt), celltype = words(v$celltype),
             prior = words(v$prior), age = number(v$age), karno = number(v$karno))
parts <- c(
  sprintf('"versions": {"R": "%s.%s", "survival": "%s"}', R.version$major, R.version$minor, packageVersion("survival")),
  sprintf('"data": {%s}', paste0('"', names(data), '": ', data, collapse = ",\n  ")),
  sprintf('"numbers": {%s}', paste0('"', names(numbers), '": ', sapply(numbers, number), collapse = ",\n  "))
)
writeLines(paste0("{", paste(parts, collapse = ",\n"), "}"), file.path(here, "subgroup_reference.json"))
