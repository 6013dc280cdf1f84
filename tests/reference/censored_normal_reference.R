# A censored-normal regression by R survival for tests/models: survreg on interval data, and expected values between the
# limits by numerical integration.
#
#     Rscript tests/reference/censored_normal_reference.R DIR
#
# DIR holds gbsg.csv of R survival. Progesterone receptor + 1 is taken as known below 10 and above 300 by these limits
# only. Writes censored_normal_reference.json beside this script.
library(survival)
folder <- commandArgs(trailingOnly = TRUE)[1]
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
number <- function(x) ifelse(is.finite(x), sprintf("%.17g", x), "null")
vector_json <- function(x) paste0("[", paste(number(as.numeric(x)), collapse = ", "), "]")

d <- read.csv(file.path(folder, "gbsg.csv"))
value <- d$pgr + 1
lower <- ifelse(value < 10, NA, ifelse(value > 300, 300, value))
upper <- ifelse(value < 10, 10, ifelse(value > 300, NA, value))
strict <- survreg.control(rel.tolerance = 1e-14, maxiter = 200)
fit_of <- function(transform) survreg(Surv(transform(lower), transform(upper), type = "interval2") ~ age + nodes + size, d,
                                      dist = "gaussian", control = strict)
expected_of <- function(fit, transform, back) sapply(which(value < 10 | value > 300)[1:12], function(i) {
  mean <- predict(fit, d[i, ], type = "lp")
  from <- if (is.na(lower[i])) -Inf else transform(lower[i])
  to <- if (is.na(upper[i])) Inf else transform(upper[i])
  # by parts of a standard deviation, for digits
  ends <- pmin(pmax(seq(mean - 12 * fit$scale, mean + 12 * fit$scale, length.out = 97), from), to)
  area <- function(f) sum(sapply(1:96, function(k) if (ends[k] < ends[k + 1]) integrate(f, ends[k], ends[k + 1], rel.tol = 1e-12)$value else 0))
  area(function(v) back(v) * dnorm(v, mean, fit$scale)) / area(function(v) dnorm(v, mean, fit$scale))
})
values <- list()
for (scale in c("linear", "log")) {
  transform <- if (scale == "log") log else identity
  fit <- fit_of(transform)
  values[[scale]] <- c(coef(fit), log(fit$scale), sqrt(diag(vcov(fit))), fit$loglik[2])
  values[[paste0(scale, "_expected")]] <- expected_of(fit, transform, if (scale == "log") exp else identity)
}
lines <- sprintf("    \"%s\": %s", names(values), vapply(values, vector_json, ""))
writeLines(sprintf("{\n  \"versions\": {\"R\": \"%s\", \"survival\": \"%s\"},\n  \"values\": {\n%s\n  }\n}",
  getRversion(), packageVersion("survival"), paste(lines, collapse = ",\n")), file.path(here, "censored_normal_reference.json"))
