package main

import (
	"context"
	"fmt"

	"lensbench/cli/status"
	"lensbench/system/survey"
)

// verify reads all images before hours of work depend on them: none may be changed
// or unreadable, and black ones are told of.
func verify(ctx context.Context, line *status.Line, parts ...survey.Images) error {
	for _, images := range parts {
		if images == nil {
			continue
		}
		s, err := survey.Verify(ctx, images, func(done, of int) { line.Count("checking image", done, of) })
		if err != nil {
			return err
		}
		noteConstant(line, s.Constant, s.Images)
	}
	line.Finish()
	return nil
}

// noteConstant tells of images that came out black, or the like.
func noteConstant(line *status.Line, names []string, images int) {
	if len(names) > 0 {
		line.Note(fmt.Sprintf("note: in %d of %d images a band has the same value everywhere; the first is %s", len(names), images, names[0]))
	}
}
