package train_test

import (
	"context"
	"fmt"
	"os"

	"threatdetect/train"
)

// A stack says what is wanted; a dry run prints what would be asked for.
func Example() {
	stack, err := train.Parse(train.InitFile(), "threatdetect.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	aws, err := train.Connect(context.Background(), stack, &train.ConnectOptions{DryRun: os.Stdout})
	if err != nil {
		fmt.Println(err)
		return
	}
	role, err := aws.Role(context.Background(), train.RoleTraining)
	fmt.Println(role, err)
	// Output: arn:aws:iam::111122223333:role/threatdetect/td-demo-training <nil>
}
