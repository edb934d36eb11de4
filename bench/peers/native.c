// An engine that is a shared library, called as a C program calls it. Commands and answers are those of worker.go.
//
//	native KIND LIBRARY MODEL ROWS COLUMNS OUTPUTS
//
// KIND is xgboost (LIBRARY is libxgboost.so, MODEL a model file), tl2cgen, timber or lleaves (LIBRARY is the compiled model).
#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *library, *model;
static float *rows;
static double *wide; // rows as doubles, for lleaves
static long n, columns, outputs;

static void fail(const char *what, const char *why) {
	printf("error: %s: %s\n", what, why);
	exit(1);
}

static void *symbol(const char *name) {
	static void *handle;
	if (!handle && !(handle = dlopen(library, RTLD_NOW)))
		fail("dlopen", dlerror());
	void *f = dlsym(handle, name);
	if (!f)
		fail("dlsym", dlerror());
	return f;
}

// An engine's predict scores the rows from begin to begin+count-1 and returns where their outputs are.

static int (*predict_dense)(void *, const char *, const char *, void *, const uint64_t **, uint64_t *, const float **);
static const char *(*last_error)(void);
static void *booster;

static void xgboost_must(int code) {
	if (code)
		fail("xgboost", last_error());
}

static const char *xgboost_load(void) {
	static char version[32];
	last_error = symbol("XGBGetLastError");
	predict_dense = symbol("XGBoosterPredictFromDense");
	int (*create)(const void *, uint64_t, void **) = symbol("XGBoosterCreate");
	int (*load)(void *, const char *) = symbol("XGBoosterLoadModel");
	int (*set)(void *, const char *, const char *) = symbol("XGBoosterSetParam");
	void (*release)(int *, int *, int *) = symbol("XGBoostVersion");
	xgboost_must(create(0, 0, &booster));
	xgboost_must(load(booster, model));
	xgboost_must(set(booster, "nthread", "1"));
	int a, b, c;
	release(&a, &b, &c);
	snprintf(version, sizeof version, "%d.%d.%d", a, b, c);
	return version;
}

static const float *xgboost_predict(long begin, long count) {
	char array[160];
	const uint64_t *shape;
	uint64_t dimensions;
	const float *out;
	snprintf(array, sizeof array, "{\"data\":[%zu,true],\"shape\":[%ld,%ld],\"typestr\":\"<f4\",\"version\":3}",
		(size_t)(rows + begin * columns), count, columns);
	xgboost_must(predict_dense(booster, array,
		"{\"type\":1,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,\"strict_shape\":false,\"cache_id\":0,\"missing\":NaN}",
		0, &shape, &dimensions, &out));
	return out;
}

typedef union { int missing; float value; } entry;
static void (*tl2cgen_entry)(entry *, int, float *);
static float *result;

static const char *tl2cgen_load(void) {
	tl2cgen_entry = symbol("predict");
	return "";
}

static const float *tl2cgen_predict(long begin, long count) {
	entry row[columns];
	for (long i = 0; i < count; i++) {
		const float *x = rows + (begin + i) * columns;
		for (long j = 0; j < columns; j++)
			if (isnan(x[j]))
				row[j].missing = -1;
			else
				row[j].value = x[j];
		memset(result + i * outputs, 0, outputs * sizeof *result); // it is added to
		tl2cgen_entry(row, 1, result + i * outputs);
	}
	return result;
}

static int (*timber_entry)(const float *, int, float *, const void *);
static void *timber_context;

static const char *timber_load(void) {
	int (*init)(void **) = symbol("timber_init");
	timber_entry = symbol("timber_infer");
	if (init(&timber_context))
		fail("timber", "timber_init");
	return "";
}

static const float *timber_predict(long begin, long count) {
	timber_entry(rows + begin * columns, (int)count, result, timber_context);
	return result;
}

static void (*lleaves_entry)(const double *, double *, int, int);
static double *wide_result;

static const char *lleaves_load(void) {
	lleaves_entry = symbol("forest_root");
	wide = malloc(n * columns * sizeof *wide);
	wide_result = malloc(n * outputs * sizeof *wide_result);
	for (long i = 0; i < n * columns; i++)
		wide[i] = rows[i];
	return "";
}

static const float *lleaves_predict(long begin, long count) {
	lleaves_entry(wide + begin * columns, wide_result, 0, (int)count);
	return 0;
}

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void measure(const float *(*predict)(long, long), long batch, double seconds) {
	enum { most = 1000 };
	static double sample[most];
	static long at;
	long samples = 0;
	double start = now();
	do {
		double began = now(), took;
		long calls = 0;
		do {
			for (long k = batch < 256 ? 256 / batch : 1; k > 0; k--, calls++, at += batch) {
				if (at + batch > n)
					at = 0;
				predict(at, batch);
			}
		} while ((took = now() - began) < 2e6);
		sample[samples++] = took / (calls * batch);
	} while (samples < most && now() - start < seconds * 1e9);
	qsort(sample, samples, sizeof *sample, ascending);
	printf("%.3f %ld\n", sample[samples / 2], samples);
}

static void check(const float *(*predict)(long, long), long n, const char *path) {
	FILE *f = fopen(path, "wb");
	if (!f)
		fail("cannot write", path);
	for (long at = 0; at < n; at += 1000) {
		long count = n - at < 1000 ? n - at : 1000;
		const float *out = predict(at, count);
		for (long i = 0; i < count * outputs; i++) {
			float x = out ? out[i] : (float)wide_result[i];
			fwrite(&x, sizeof x, 1, f);
		}
	}
	if (fclose(f))
		fail("cannot write", path);
	printf("ok\n");
}

int main(int argc, char **argv) {
	if (argc != 7)
		fail("usage", "native KIND LIBRARY MODEL ROWS COLUMNS OUTPUTS");
	setvbuf(stdout, 0, _IOLBF, 0);
	library = argv[2], model = argv[3], columns = atol(argv[5]), outputs = atol(argv[6]);
	FILE *f = fopen(argv[4], "rb");
	if (!f)
		fail("cannot read", argv[4]);
	fseek(f, 0, SEEK_END);
	n = ftell(f) / (4 * columns);
	rewind(f);
	rows = malloc(n * columns * 4);
	result = malloc(n * outputs * 4);
	if (fread(rows, 4 * columns, n, f) != (size_t)n)
		fail("cannot read", argv[4]);
	fclose(f);

	static const struct {
		const char *name, *(*load)(void);
		const float *(*predict)(long, long);
	} engines[] = {
		{"xgboost", xgboost_load, xgboost_predict},
		{"tl2cgen", tl2cgen_load, tl2cgen_predict},
		{"timber", timber_load, timber_predict},
		{"lleaves", lleaves_load, lleaves_predict},
	};
	for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) {
		if (strcmp(argv[1], engines[i].name))
			continue;
		printf("ready %s\n", engines[i].load());
		char line[4096], path[4096];
		long batch;
		double seconds;
		while (fgets(line, sizeof line, stdin)) {
			if (sscanf(line, "time %ld %lf", &batch, &seconds) == 2 && batch > 0 && batch <= n)
				measure(engines[i].predict, batch, seconds);
			else if (sscanf(line, "check %ld %4095[^\n]", &batch, path) == 2 && batch > 0 && batch <= n)
				check(engines[i].predict, batch, path);
			else
				fail("unknown command", line);
		}
		return 0;
	}
	fail("unknown kind", argv[1]);
}
