/* The one file: CPython, started with the zip archive that is appended to this very executable.

   No environment variable of Python counts, no folder is searched, and nothing is written. */
#include <Python.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

static void check(PyStatus status) {
    if (PyStatus_Exception(status)) {
        Py_ExitStatusException(status);
    }
}

/* The path of this file, also where /proc is not mounted. */
static const char *own_path(char *found) {
    ssize_t length = readlink("/proc/self/exe", found, PATH_MAX);
    if (length > 0) {
        found[length] = 0;
        return found;
    }
    return realpath((const char *)getauxval(AT_EXECFN), found);
}

int main(int argc, char **argv) {
    static char found[PATH_MAX + 1];
    const char *own = own_path(found);
    if (own == NULL) {
        fprintf(stderr, "layout: cannot find its own file: mount /proc\n");
        return 1;
    }

    PyPreConfig before;
    PyPreConfig_InitPythonConfig(&before);
    before.use_environment = 0;
    check(Py_PreInitialize(&before));

    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    config.use_environment = 0;
    config.parse_argv = 0;
    config.safe_path = 1;
    config.site_import = 0;
    config.user_site_directory = 0;
    config.write_bytecode = 0;
    config.module_search_paths_set = 1;
    check(PyConfig_SetBytesArgv(&config, argc, argv));
    wchar_t *path = Py_DecodeLocale(own, NULL);
    if (path == NULL) {
        fprintf(stderr, "layout: no memory\n");
        return 1;
    }
    wchar_t **names[] = {&config.executable, &config.base_executable, &config.prefix,
                         &config.base_prefix, &config.exec_prefix, &config.base_exec_prefix};
    for (size_t at = 0; at < sizeof names / sizeof *names; at++) {
        check(PyConfig_SetString(&config, names[at], path));
    }
    check(PyWideStringList_Append(&config.module_search_paths, path));
    check(Py_InitializeFromConfig(&config));
    return PyRun_SimpleString("import layout_bundle\nlayout_bundle.run()\n") != 0;
}
