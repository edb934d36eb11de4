package serve

import (
	"threatdetect/inference/rows"
	"threatdetect/model"
)

// generation is what one image does otherwise than others.
type generation struct {
	joined     bool // answers are CSV whatever is accepted, with all predictions on one line: before 1.2-2
	hidden     bool // files whose name begins with a dot are models, too
	whole      bool // SAGEMAKER_INFERENCE_OUTPUT is not known: the whole prediction is told
	framework3 bool // Flask and Werkzeug 3, which take forms in another way
}

// generationOf tells by the image.
func generationOf(image *rows.Image) generation {
	v := model.Version(image.XGBoost)
	return generation{
		joined:     v.Before(1, 3) && image.Tag != "1.2-2",
		hidden:     image.Tag == "1.2-2",
		whole:      v.Before(1, 0),
		framework3: !v.Before(3, 2),
	}
}
