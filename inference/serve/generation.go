package serve

import (
	"threatdetect/inference/rows"
	"threatdetect/model"
)

// generation is what the images before 1.2-2 do otherwise than all later ones.
type generation struct {
	joined bool // answers are CSV whatever is accepted, with all predictions on one line
	whole  bool // SAGEMAKER_INFERENCE_OUTPUT is not known: the whole prediction is told
}

// generationOf tells by the image.
func generationOf(image *rows.Image) generation {
	v := model.Version(image.XGBoost)
	return generation{joined: v.Before(1, 3) && image.Tag != "1.2-2", whole: v.Before(1, 0)}
}
