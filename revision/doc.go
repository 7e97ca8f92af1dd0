// Package revision makes the programs of other revisions of this repository, so that
// they can run as arms beside those of today.
//
// A revision is checked out into a work tree of its own below the cache directory,
// built there with make build, and what came of it is kept; the work tree goes. The
// name of what is kept is a hash of the files that lens is made of, and of the
// compilers: a revision that changes only documentation, or the harness, costs
// nothing, and one that leaves the C++ side alone takes its objects from a build that
// has the same.
//
// What is kept is checked by its digest before it is used again. Nothing of the
// user's own work tree is touched.
package revision
