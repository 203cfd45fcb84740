// Package config reads the site file, sallyport.yaml: the place, the ports, the cameras and everything that is
// wired. It is strict. Every problem in the file is reported at once, each with its line, its column and what was
// probably meant, and nothing in it is guessed.
//
// The package touches nothing but the site file itself: secrets are looked up when somebody asks for them
// (Secret.Value), and what the file names is opened by whoever uses it.
package config
