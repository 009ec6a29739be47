"""Sinks: carry a plan out, all of it or nothing that anybody sees."""
