package sqlscan

var postgresFunctions = map[fn]string{
	pure: `acosd asind atand atan2 atan2d cosd cotd sind tand cot sinh cosh tanh asinh acosh atanh cbrt div erf erfc
		factorial gcd lcm ln min_scale mod pow scale trim_scale trunc width_bucket gamma lgamma
		ascii bit_length btrim char_length character_length chr concat concat_ws convert convert_from convert_to
		decode encode format initcap left length lpad ltrim md5 normalize octet_length overlay parse_ident
		position quote_ident quote_literal quote_nullable regexp_count regexp_instr regexp_like regexp_match
		regexp_replace regexp_split_to_array regexp_substr repeat reverse right rpad rtrim split_part
		starts_with string_to_array strpos substr to_ascii to_hex to_bin to_oct translate trim unistr casefold
		bit_count get_bit get_byte set_bit set_byte sha224 sha256 sha384 sha512 crc32 crc32c
		to_char to_date to_number to_timestamp date_bin date_part date_trunc date_add date_subtract extract
		isfinite justify_days justify_hours justify_interval make_date make_interval make_time make_timestamp
		make_timestamptz timezone overlaps
		date time timetz timestamp timestamptz interval
		enum_first enum_last enum_range
		area center diagonal diameter height isclosed isopen npoints pclose popen radius slope width box
		bound_box circle line lseg path point polygon
		abbrev broadcast family host hostmask inet_merge inet_same_family masklen netmask network set_masklen
		text macaddr8_set7bit
		array_to_tsvector numnode plainto_tsquery phraseto_tsquery websearch_to_tsquery
		querytree setweight strip to_tsquery to_tsvector json_to_tsvector jsonb_to_tsvector ts_delete ts_filter
		ts_headline ts_rank ts_rank_cd ts_rewrite tsquery_phrase tsvector_to_array
		to_json to_jsonb array_to_json row_to_json json_build_array jsonb_build_array json_build_object
		jsonb_build_object json_object jsonb_object json_array json_array_length jsonb_array_length
		json_extract_path jsonb_extract_path json_extract_path_text jsonb_extract_path_text json_strip_nulls
		jsonb_strip_nulls jsonb_set jsonb_set_lax jsonb_insert jsonb_path_exists jsonb_path_match
		jsonb_path_query_array jsonb_path_query_first jsonb_pretty json_typeof jsonb_typeof jsonb_contains
		jsonb_exists jsonb_exists_any jsonb_exists_all jsonb_delete jsonb_concat json_scalar json_serialize
		json_value json_query json_exists json json_arrayagg json_objectagg jsonb jsonb_delete_path
		array nullif greatest least num_nonnulls num_nulls ifnull
		array_append array_cat array_dims array_fill array_length array_lower array_ndims array_position
		array_positions array_prepend array_remove array_replace array_to_string array_upper cardinality
		trim_array array_reverse array_sort
		isempty lower_inc upper_inc lower_inf upper_inf range_merge multirange int4range int8range numrange
		tsrange tstzrange daterange int4multirange int8multirange nummultirange tsmultirange tstzmultirange
		datemultirange range_agg range_intersect_agg
		array_agg any_value bit_and bit_or bit_xor bool_and bool_or every json_agg jsonb_agg json_object_agg
		jsonb_object_agg json_agg_strict jsonb_agg_strict json_object_agg_unique jsonb_object_agg_unique
		string_agg xmlagg corr covar_pop covar_samp regr_avgx
		regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy stddev stddev_pop
		stddev_samp variance var_pop var_samp mode percentile_cont percentile_disc grouping nth_value
		rollup cube sets
		xmlcomment xmlconcat xmlelement xmlforest xmlattributes xmlpi xmlroot xmlparse xmlserialize xpath
		xpath_exists xmlexists xml_is_well_formed
		int int2 int4 int8 integer smallint bigint float float4 float8 real double bool boolean bpchar name
		character nchar varying bit bytea uuid dec money cidr inet macaddr xml
		pg_typeof pg_column_size uuid_extract_timestamp uuid_extract_version
		similarity word_similarity strict_word_similarity show_trgm unaccent levenshtein levenshtein_less_equal
		soundex difference metaphone dmetaphone dmetaphone_alt crypt digest hmac encrypt decrypt
		pgp_sym_decrypt earth_distance ll_to_earth earth_box latitude longitude
		akeys avals hstore hstore_to_json hstore_to_jsonb exist defined nlevel subpath subltree lca ltree2text
		text2ltree cosine_distance l2_distance inner_product l1_distance vector_dims l2_normalize
		st_area st_asbinary st_asewkt st_asgeojson st_asmvtgeom st_astext st_aswkt st_azimuth st_boundary
		st_buffer st_centroid st_closestpoint st_collect st_contains st_containsproperly st_convexhull
		st_coveredby st_covers st_crosses st_difference st_dimension st_disjoint st_distance st_distancesphere
		st_distancespheroid st_dwithin st_endpoint st_envelope st_equals st_exteriorring st_extent
		st_geogfromtext st_geographyfromtext st_geohash st_geometryfromtext st_geometrytype st_geomfromewkb
		st_geomfromewkt st_geomfromgeojson st_geomfromtext st_geomfromwkb st_intersection st_intersects
		st_isempty st_isvalid st_length st_linefromtext st_makeenvelope st_makeline st_makepoint st_makevalid
		st_numpoints st_overlaps st_perimeter st_point st_pointfromtext st_pointonsurface st_setsrid
		st_simplify st_snaptogrid st_srid st_startpoint st_symdifference st_touches st_transform st_union
		st_within st_x st_xmax st_xmin st_y st_ymax st_ymin st_z`,
	pure2: `age`,
	tables: `generate_series generate_subscripts unnest json_each jsonb_each json_each_text jsonb_each_text
		json_array_elements jsonb_array_elements json_array_elements_text jsonb_array_elements_text
		json_object_keys jsonb_object_keys json_populate_record jsonb_populate_record json_populate_recordset
		jsonb_populate_recordset json_to_record jsonb_to_record json_to_recordset jsonb_to_recordset
		jsonb_path_query regexp_matches regexp_split_to_table string_to_table xmltable json_table
		skeys svals each`,
	harmless: `now clock_timestamp statement_timestamp transaction_timestamp timeofday random random_normal
		gen_random_uuid uuidv4 uuidv7 uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4 gen_random_bytes
		gen_salt setseed nextval currval lastval setval current_setting txid_current txid_current_if_assigned
		txid_current_snapshot pg_current_xact_id pg_current_xact_id_if_assigned pg_current_snapshot
		pg_advisory_lock pg_advisory_lock_shared pg_advisory_unlock pg_advisory_unlock_all
		pg_advisory_unlock_shared pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_lock
		pg_try_advisory_lock_shared pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared pg_sleep
		pg_sleep_for pg_sleep_until pg_notify version current_database current_schema current_schemas
		current_catalog current_user session_user current_query pg_backend_pid pg_conf_load_time
		pg_postmaster_start_time pg_is_in_recovery pg_last_wal_replay_lsn pg_last_xact_replay_timestamp
		pg_current_wal_lsn inet_client_addr inet_client_port inet_server_addr inet_server_port
		current_timestamp localtimestamp current_time localtime
		pg_get_serial_sequence obj_description col_description shobj_description format_type pg_relation_size
		pg_total_relation_size pg_table_size pg_indexes_size pg_database_size pg_size_pretty to_regclass
		to_regtype to_regproc to_regnamespace pg_get_expr pg_get_constraintdef pg_get_indexdef pg_get_viewdef
		pg_get_triggerdef pg_get_functiondef pg_get_userbyid pg_table_is_visible pg_type_is_visible
		has_table_privilege has_schema_privilege has_database_privilege has_column_privilege
		row_security_active pg_has_role pg_encoding_to_char pg_client_encoding pg_blocking_pids
		pg_trigger_depth pg_cancel_backend pg_terminate_backend`,
}
