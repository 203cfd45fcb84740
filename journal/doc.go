// Package journal is the program's memory on disk.
package journal

import _ "modernc.org/sqlite" // the database
