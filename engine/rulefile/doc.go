// Package rulefile turns a folder of rule files (YAML with expressions) into an
// [engine.Ruleset], or says everything that is wrong with them, each with its
// place. Nothing of a set that has an error is used.
//
// Expressions are parsed with expr's parser and then compiled by this package
// to Go closures over [engine.Look], with true, false and unknown. No expr
// program ever runs, so a rule takes a bounded number of steps that is known
// when it is loaded.
package rulefile
