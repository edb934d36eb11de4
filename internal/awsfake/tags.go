package awsfake

var _ = register("sagemaker", map[string]handler{
	"AddTags": func(s *Server, c *call) (doc, *apiError) {
		s.tag(str(c.in, "ResourceArn"), docs(c.in, "Tags"))
		return doc{"Tags": s.tagList(str(c.in, "ResourceArn"))}, nil
	},
	"ListTags": func(s *Server, c *call) (doc, *apiError) {
		some, next, err := page(c.in, s.tagList(str(c.in, "ResourceArn")), 100)
		return with(doc{"Tags": some}, "NextToken", next), err
	},
	"DeleteTags": func(s *Server, c *call) (doc, *apiError) {
		for _, k := range strs(c.in, "TagKeys") {
			delete(s.tags[str(c.in, "ResourceArn")], k)
		}
		return nil, nil
	},
})

// What resources there are by their tags; roles are not among them, as with the real service.
var _ = register("resourcegroupstaggingapi", map[string]handler{
	"GetResources": func(s *Server, c *call) (doc, *apiError) {
		var all []any
	next:
		for _, arn := range sortedKeys(s.tags) {
			for _, f := range docs(c.in, "TagFilters") {
				v, ok := s.tags[arn][str(f, "Key")]
				values := strs(f, "Values")
				match := ok && len(values) == 0
				for _, want := range values {
					match = match || ok && v == want
				}
				if !match {
					continue next
				}
			}
			if len(s.tags[arn]) > 0 {
				all = append(all, doc{"ResourceARN": arn, "Tags": s.tagList(arn)})
			}
		}
		some, next, err := page(doc{"NextToken": str(c.in, "PaginationToken"), "MaxResults": c.in["ResourcesPerPage"]}, all, 50)
		return doc{"ResourceTagMappingList": some, "PaginationToken": next}, err
	},
})
