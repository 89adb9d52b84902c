-- One row per view and customer_key of a sample: where the customer lies in the picture.
with projection as (

    select * from {{ ref('ml_segment_projection') }}

),

customer_segments as (

    select * from {{ ref('customer_segments') }}

),

-- Whoever has no segment (any more) is not drawn.
final as (

    select
        projection.view as segment_view,
        projection.customer_key,
        customer_segments.segment_id,
        customer_segments.segment,
        customer_segments.segment_fr,
        projection.pca_1,
        projection.pca_2,
        projection.tsne_1,
        projection.tsne_2,
        projection.pca_1_explained,
        projection.pca_2_explained,
        projection.pca_trustworthiness,
        projection.tsne_trustworthiness
    from projection
    inner join customer_segments on projection.customer_key = customer_segments.customer_key
    where customer_segments.segment_id > 0

)

select * from final
